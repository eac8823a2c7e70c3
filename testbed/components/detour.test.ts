import { once } from 'node:events'
import { createServer, connect as netConnect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { LineProcess } from './line-process.ts'
import { programOf } from './running.ts'

let child: LineProcess | undefined
afterEach(() => child?.kill())

test('connections of the process go where the detour says, by net and by fetch, and others go where they went', async () => {
  const answers = async (text: string) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return { server, address: `127.0.0.1:${address.port}` }
  }
  const [direct, link] = [await answers('direct'), await answers('link')]
  const script = `
    import { connect } from 'node:net'
    import { takeDetours } from ${JSON.stringify(programOf('./detour.ts'))}
    takeDetours(${JSON.stringify({ [direct.address]: link.address })})
    const [host, port] = ${JSON.stringify(direct.address)}.split(':')
    const read = (socket) => new Promise((resolve) => { let all = ''; socket.on('data', (d) => { all += d }).on('close', () => resolve(all.split('\\r\\n').at(-1))) })
    console.log(JSON.stringify({
      event: 'read',
      net: await read(connect({ host, port: Number(port) })),
      fetch: await (await fetch('http://' + ${JSON.stringify(direct.address)})).text(),
    }))`
  child = await LineProcess.start({
    name: 'the child',
    command: process.execPath,
    args: ['--input-type=module', '-e', script],
  })
  const line = await child.waitFor('what it read', ({ event }) => event === 'read', 10_000)
  expect(line).toMatchObject({ net: 'link', fetch: 'link' })
  const [host, port] = direct.address.split(':')
  const here = netConnect({ host: host!, port: Number(port) })
  const [data] = (await once(here, 'data')) as [Buffer]
  expect(data.toString()).toContain('direct')
  direct.server.close()
  link.server.close()
})
