export { ListenError } from './listen-error.ts'
export { type ProxyMetric, proxyMetrics } from './metrics/proxy-metrics.ts'
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts'
