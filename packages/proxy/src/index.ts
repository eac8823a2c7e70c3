export { ListenError } from './listener.ts'
export { type Proxy, type ProxyOptions, startProxy } from './proxy.ts'
