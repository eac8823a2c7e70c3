export { type Braid, type BraidKafkaConfig, type ConnectOptions, connect } from './connect.ts'
