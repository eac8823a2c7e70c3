import { describe, expect, test } from 'vitest'
import { type ClusterProvider, checkSpecs, choose, type ProviderName } from './cluster.ts'

const none = () => Promise.reject(new Error('not in this test'))

function providers(why: Record<ProviderName, string | null>) {
  return async (name: ProviderName): Promise<ClusterProvider> => ({
    name,
    why: async () => why[name],
    start: none,
    attach: () => {
      throw new Error('not in this test')
    },
  })
}

describe('choosing a provider', () => {
  const said: string[] = []
  const say = (line: string) => void said.splice(0, said.length, line)

  test('takes the first that works, and says why not the others', async () => {
    const all = providers({ docker: null, jvm: null })
    expect((await choose(undefined, all, say)).name).toBe('docker')
    expect(said).toEqual(['clusters: docker (first choice)'])
    const noEngine = providers({ docker: 'no Docker engine answers', jvm: null })
    expect((await choose('', noEngine, say)).name).toBe('jvm')
    expect(said).toEqual(['clusters: jvm (not docker: no Docker engine answers)'])
  })

  test('takes the one that was asked for, and no other', async () => {
    expect((await choose('jvm', providers({ docker: null, jvm: null }), say)).name).toBe('jvm')
    expect(said).toEqual(['clusters: jvm (BRAID_CLUSTERS says so)'])
    const noJava = choose('jvm', providers({ docker: null, jvm: 'install Java' }), say)
    await expect(noJava).rejects.toMatchObject({
      code: 'NO_PROVIDER',
      message: expect.stringMatching(/BRAID_CLUSTERS=jvm: .*install Java/),
    })
    await expect(choose('podman', providers({ docker: null, jvm: null }), say)).rejects.toThrow(
      /use docker or jvm/,
    )
  })

  test('fails with every reason when none works', async () => {
    const nothing = choose(undefined, providers({ docker: 'no engine', jvm: 'no Maven' }), say)
    await expect(nothing).rejects.toThrow(/not docker: no engine; not jvm: no Maven/)
  })
})

test('clusters have names of their own, fit for files and hosts', () => {
  expect(() => checkSpecs([{ name: 'a' }, { name: 'kafka-b' }])).not.toThrow()
  expect(() => checkSpecs([{ name: 'a' }, { name: 'a' }])).toThrow(/two clusters are called a/)
  expect(() => checkSpecs([{ name: 'A/b' }])).toThrow(/use up to 31/)
})
