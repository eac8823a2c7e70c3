import { type RequestDecision, shortText, type TopicRequest } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { withExamples } from '../output/examples.ts'
import { type OutputOptions, print, withNames, withOutput } from '../output/print.ts'
import { requestsText, requestText } from '../output/request-view.ts'
import { showOne, showRows, type WatchOptions, withWatch } from '../output/watch.ts'
import type { Session } from '../session.ts'
import { argumentOf } from './names.ts'
import { fits, withDryRun } from './options.ts'
import { type WishFlags, wishOf, withWish } from './topic-flags.ts'

export function addRequestCommands(braid: Command, session: Session): void {
  const noun = braid.command('request').description('ask for topics; approve and deny what others ask for')
  const why = fits(shortText)

  withExamples(
    withDryRun(withWish(withOutput(noun.command('topic'))))
      .description('ask for a topic: within quota and policy it exists at once, else an approver decides')
      .addArgument(argumentOf('topic'))
      .requiredOption('--why <text>', 'for whoever decides', why),
    'braid request topic clicks --why "clickstream of the new shop" --bytes-in 2MB/s --readers 3 --tenant shop',
    'braid request topic clicks --why "can I have it?" --sla gold --dry-run',
  ).action(async (name: string, options: WishFlags & OutputOptions & { why: string; dryRun?: boolean }) => {
    const request = await ask(session, (client, { tenant }) =>
      client.requests.create(
        { topic: wishOf(name, options), why: options.why },
        { tenant, dryRun: options.dryRun },
      ),
    )
    const note = options.dryRun === true ? 'nothing was asked for: this is what would become of it\n' : ''
    print(session.io, options.output, request, (made, look) => note + requestText(made, look))
  })

  withExamples(
    withWatch(withNames(noun.command('list'))).description('the latest requests that you see'),
    'braid request list',
    'braid request list --tenant shop --watch',
  ).action((options: WatchOptions) =>
    showRows(
      session,
      options,
      (client, { tenantNamed }) => client.requests.list({ tenant: tenantNamed, limit: 1_000 }),
      { readable: requestsText, key: ({ id }) => id },
    ),
  )

  withExamples(
    withWatch(withOutput(noun.command('show')))
      .description('a request: where it stands, and what it waits for')
      .addArgument(argumentOf('id')),
    'braid request show r-7',
  ).action((id: string, options: WatchOptions) =>
    showOne(session, options, (client) => client.requests.get(id), requestText),
  )

  const decide = (
    verb: string,
    description: string,
    call: (client: Client, id: string, decision: RequestDecision) => Promise<TopicRequest>,
    ...examples: string[]
  ): void => {
    const command = withOutput(noun.command(verb)).description(description).addArgument(argumentOf('id'))
    if (verb !== 'withdraw') command.option('--reason <text>', 'for whoever asked', why)
    withExamples(command, ...examples).action(
      async (id: string, options: OutputOptions & { reason?: string }) => {
        const decision = options.reason === undefined ? {} : { reason: options.reason }
        const request = await ask(session, (client) => call(client, id, decision))
        print(session.io, options.output, request, requestText)
      },
    )
  }
  decide(
    'approve',
    'grant a request; its topic is made',
    (client, id, decision) => client.requests.approve(id, decision),
    'braid request approve r-7',
    'braid request approve r-7 --reason "for the launch"',
  )
  decide(
    'deny',
    'refuse a request',
    (client, id, decision) => client.requests.deny(id, decision),
    'braid request deny r-7 --reason "use the topic clicks"',
  )
  decide(
    'withdraw',
    'take a request of your own back',
    (client, id) => client.requests.withdraw(id),
    'braid request withdraw r-7',
  )
}

type Client = Parameters<Parameters<typeof ask>[1]>[0]
