import { type MonitorOptions, startMonitor } from '@braid/monitor'
import type { RunningBraid } from './running.ts'

export interface RunningMonitor {
  /** `host:port` of /metrics. */
  readonly address: string
  /** What Prometheus would read now. */
  metrics(): Promise<string>
  close(): Promise<void>
}

/** In this process, as in a user's own. */
export async function startMonitorOf(
  { controlPlane }: RunningBraid,
  options: Pick<MonitorOptions, 'timings' | 'proxyMetrics'> = {},
): Promise<RunningMonitor> {
  const monitor = await startMonitor({
    controlPlane: controlPlane.url,
    id: 'monitor-1',
    listen: '127.0.0.1:0',
    ...options,
  })
  const { address } = monitor
  return {
    address,
    metrics: async () => (await fetch(`http://${address}/metrics`)).text(),
    close: () => monitor.close(),
  }
}
