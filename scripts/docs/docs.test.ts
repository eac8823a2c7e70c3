import { describe, expect, it } from 'vitest'
import { type CodeBlock, codeBlocksOf } from './code-blocks.ts'
import { braidArguments, checkBraidCommand } from './command-line.ts'
import { checkFleetFile, isFleetFile } from './fleet-files.ts'
import { checkNpmScript } from './npm-scripts.ts'
import { checkProblemTable, problemTable } from './problem-codes.ts'
import { shellCommandsOf } from './shell-commands.ts'
import { checkTypeScriptBlocks } from './typescript-blocks.ts'

const block = (language: string, code: string, line = 1): CodeBlock => ({
  path: 'a.md',
  line,
  language,
  code,
})
const words = (code: string, language = 'sh') =>
  shellCommandsOf(block(language, code)).map((command) => command.words)

describe('codeBlocksOf', () => {
  it('knows where each block stands and what it is', () => {
    const page = [
      '# Page',
      '```ts',
      'const a = 1',
      '',
      '```',
      '- item',
      '  ```sh',
      '  braid dev',
      '  ```',
    ].join('\n')
    expect(codeBlocksOf('a.md', page)).toEqual([
      { path: 'a.md', line: 3, language: 'ts', code: 'const a = 1\n' },
      { path: 'a.md', line: 8, language: 'sh', code: 'braid dev' },
    ])
  })

  it('takes a shorter fence inside a longer one for text', () => {
    expect(codeBlocksOf('a.md', '````md\n```ts\nx\n```\n````')).toEqual([
      { path: 'a.md', line: 2, language: 'md', code: '```ts\nx\n```' },
    ])
  })
})

describe('shellCommandsOf', () => {
  it('reads one command between operators, without comments, assignments and redirections', () => {
    expect(
      words('npm ci && npm run demo    # three clusters\nA=1 B=2 npx braid dev 2>&1 >log | cat'),
    ).toEqual([['npm', 'ci'], ['npm', 'run', 'demo'], ['npx', 'braid', 'dev'], ['cat']])
  })

  it('joins continued lines and keeps quoted words whole', () => {
    const code = 'ls\nbraid proxy \\\n  --id "a b" \\\n  --x \'c # d\''
    const [, braid] = shellCommandsOf(block('sh', code, 10))
    expect(braid).toEqual({
      path: 'a.md',
      line: 11,
      words: ['braid', 'proxy', '--id', 'a b', '--x', 'c # d'],
    })
  })

  it('reads only what follows a prompt in a console block', () => {
    expect(words('$ braid topic list\nNAME   CLUSTER', 'console')).toEqual([['braid', 'topic', 'list']])
  })
})

describe('braid commands', () => {
  const check = async (command: string) =>
    (await Promise.all(shellCommandsOf(block('sh', command)).map(checkBraidCommand))).flat()

  it('are found however they are started', () => {
    expect(braidArguments(['npx', 'braid', 'dev'])).toEqual(['dev'])
    expect(braidArguments(['npx', '--yes', 'braid', 'dev'])).toEqual(['dev'])
    expect(braidArguments(['braid'])).toEqual([])
    expect(braidArguments(['kcat', 'braid'])).toBeUndefined()
  })

  it.each([
    'npx braid topic create orders --partitions 12 --cluster a',
    'braid migrate orders --to b',
    'braid --version',
    'braid topic --help',
    'braid dev [--clusters N] [--attach a=host:port,b=host:port,...]',
  ])('%s is one', async (command) => {
    expect(await check(command)).toEqual([])
  })

  it.each([
    ['braid move orders', "unknown command 'move'"],
    ['braid topic rename orders', "unknown command 'rename'"],
    ['braid migrate orders --to b --towards c', "unknown option '--towards'"],
    ['braid topic create orders --partitions many', 'many'],
    ['braid migrate orders', '--to'],
    ['braid topic show orders payments', 'too many arguments'],
    ['braid dev [--brokers N]', 'there is no option --brokers'],
    ['braid cluster rename [NAME]', 'there is no command rename'],
  ])('%s is none', async (command, why) => {
    expect(await check(command)).toEqual([
      { path: 'a.md', line: 1, message: expect.stringContaining(why) as string },
    ])
  })
})

describe('npm scripts', () => {
  const check = (command: string) =>
    shellCommandsOf(block('sh', command)).flatMap((found) => checkNpmScript(found, { test: '', demo: '' }))

  it('must be there', () => {
    expect(check('npm ci && npm test && npm run -s demo -- --json')).toEqual([])
    expect(check('npm run -s demos')).toEqual([
      { path: 'a.md', line: 1, message: 'npm run demos: package.json has no such script' },
    ])
  })
})

describe('TypeScript blocks', () => {
  it('compile against the packages here; an error names the line of the page', () => {
    const good = block(
      'ts',
      "import { nodeId } from '@braid/routing-model'\nconst id: number = nodeId(1, 2)",
      5,
    )
    const unknown = block('ts', "import { nodeIds } from '@braid/routing-model'", 7)
    const wrong = block('ts', 'const a = 1\nconst id: string = await Promise.resolve(a)', 20)
    expect(checkTypeScriptBlocks([good])).toEqual([])
    expect(checkTypeScriptBlocks([good, unknown, wrong])).toEqual([
      { path: 'a.md', line: 7, message: expect.stringContaining("'nodeIds'") as string },
      { path: 'a.md', line: 21, message: expect.stringContaining("'number' is not assignable") as string },
    ])
  }, 60_000)
})

describe('checkFleetFile', () => {
  it('reads what begins as a fleet file, and names the line of the page', () => {
    const file = block('yaml', '# ours\nversion: 1\ntopics:\n  - name: orders\n    partitons: 3', 10)
    expect(isFleetFile(file)).toBe(true)
    expect(checkFleetFile(file)).toEqual([
      { path: 'a.md', line: 14, message: expect.stringContaining('did you mean "partitions"?') },
    ])
    expect(isFleetFile(block('yaml', 'protocol: SASL_SSL'))).toBe(false)
  })

  it('wants a complete one', () => {
    const topics = 'topics:\n  - { name: orders, partitions: 3, sla: gold }'
    expect(checkFleetFile(block('yaml', `version: 1\n${topics}`))).toHaveLength(1)
    expect(checkFleetFile(block('yaml', `version: 1\nslas: [{ name: gold }]\n${topics}`))).toEqual([])
  })
})

describe('checkProblemTable', () => {
  it('misses a code, and finds one that is none', () => {
    const [first, ...others] = problemTable()
    expect(checkProblemTable('a.md', [first, ...others].join('\n'))).toEqual([])
    expect(checkProblemTable('a.md', others.join('\n'))).toEqual([
      { path: 'a.md', line: others.length, message: `the table lacks ${first}` },
    ])
    const wrong = '| 404 | `UNKNOWN_THING` | No such thing |'
    expect(checkProblemTable('a.md', [wrong, first, ...others].join('\n'))).toEqual([
      { path: 'a.md', line: 1, message: `the program has no such problem: ${wrong}` },
    ])
  })
})
