import type { Diagnosis, Finding } from '@braid/control-api'
import type { Command } from 'commander'
import { ask } from '../control-plane-calls.ts'
import { Failure } from '../failure.ts'
import { withExamples } from '../output/examples.ts'
import { type Look, type OutputOptions, print, withOutput } from '../output/print.ts'
import { counted } from '../output/quantity.ts'
import type { Session } from '../session.ts'

export function addDoctorCommand(braid: Command, session: Session): void {
  withExamples(
    withOutput(braid.command('doctor'))
      .description('look at clusters, topics and access points, and say what is wrong and what to do')
      .option('--all', 'also what is well'),
    'braid doctor',
    'braid doctor --all',
    'braid doctor -o json',
  ).action(async (options: OutputOptions & { all?: boolean }) => {
    const diagnosis = await ask(session, (client) => client.doctor())
    print(session.io, options.output, diagnosis, (shown, look) =>
      diagnosisText(shown, look, options.all === true),
    )
    if (diagnosis.counts.error > 0) {
      throw new Failure(`${counted(diagnosis.counts.error, 'error')} found`, {
        remedy: 'what to do stands at each of them',
      })
    }
  })
}

const colours = { ok: 'green', warning: 'yellow', error: 'red' } as const
const rank = { error: 0, warning: 1, ok: 2 } as const

export function diagnosisText({ findings, counts }: Diagnosis, { paint }: Look, all: boolean): string {
  const shown = findings
    .filter(({ severity }) => all || severity !== 'ok')
    .toSorted((a, b) => rank[a.severity] - rank[b.severity])
  const line = ({ severity, subject, detail, code, fix }: Finding): string =>
    `${paint(colours[severity], severity.padEnd(7))}   ${subject}: ${detail} (${code})\n${fix === null ? '' : `          ${fix}\n`}`
  const summary = `${counted(counts.error, 'error')}, ${counted(counts.warning, 'warning')}, ${counts.ok} well\n`
  return `${shown.map(line).join('')}${shown.length > 0 ? '\n' : ''}${summary}`
}
