import { describe, expect, test } from 'vitest'
import { type ScramUser, scramFirst, scramProof } from './scram.ts'

/** The exchange of RFC 7677, section 3. */
const user: ScramUser = {
  mechanism: 'SCRAM-SHA-256',
  username: 'user',
  password: 'pencil',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
}
const serverNonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
const serverFirst = `r=${serverNonce},s=${salt},i=4096`

test('says what the RFC says', async () => {
  expect(scramFirst(user)).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
  const proof = await scramProof(user, serverFirst)
  expect(proof.message).toBe(`c=biws,r=${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
  expect(proof.accepts('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toBe(true)
})

test('takes no broker for good that does not know the password', async () => {
  const { accepts } = await scramProof(user, serverFirst)
  const other = await scramProof({ ...user, password: 'pencils' }, serverFirst)
  expect(other.accepts('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toBe(false)
  for (const final of ['', 'v=', 'v=AAAA', 'e=other-error', 'x=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='])
    expect(accepts(final)).toBe(false)
})

test('names may have the characters that separate', () => {
  expect(scramFirst({ ...user, username: 'a=b,c' })).toBe('n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO')
})

describe('is not led on by', () => {
  test.each([
    ['a nonce that is not ours', `r=other,s=${salt},i=4096`, /does not continue ours/],
    ['a nonce that adds nothing', `r=${user.nonce},s=${salt},i=4096`, /does not continue ours/],
    ['no nonce', `s=${salt},i=4096`, /does not continue ours/],
    ['no salt', `r=${serverNonce},i=4096`, /no salt/],
    ['too few iterations', `r=${serverNonce},s=${salt},i=4095`, /4095 iterations/],
    ['iterations without end', `r=${serverNonce},s=${salt},i=2000000000`, /2000000000 iterations/],
    ['iterations that are no number', `r=${serverNonce},s=${salt},i=x`, /NaN iterations/],
    ['an extension', `m=x,${serverFirst}`, /extension/],
    ['nothing', '', /does not continue ours/],
  ])('%s', async (_, message, why) => {
    await expect(scramProof(user, message)).rejects.toThrow(why)
  })
})
