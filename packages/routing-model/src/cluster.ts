/** A real cluster, as access points need to know it. */
export interface ClusterRoute {
  readonly name: string
  /** Small and stable, 1 to 9999, never given to another cluster: it is part of the node ids clients see. */
  readonly number: number
  /** `host:port` of some brokers. */
  readonly bootstrap: readonly string[]
  /** How to connect to it; plaintext, without authentication, when absent. */
  readonly security?: ClusterSecurity | undefined
  /**
   * It is given up for now: nothing is written to it for topics that fail over, until it has returned. Topics that do
   * not fail over wait for it.
   */
  readonly fenced?: boolean | undefined
}

export const CLUSTER_NUMBER_MAX = 9_999

/** In the words of Kafka's `security.protocol`. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/**
 * Where a secret is: `env:NAME` or `file:/path`, looked up by the process that connects, when it connects. Routes carry
 * the reference, never the secret.
 */
export type SecretRef = string

export interface SaslSecurity {
  readonly mechanism: SaslMechanism
  readonly username: string
  readonly password: SecretRef
}

/** Certificates and keys are PEM. */
export interface TlsSecurity {
  /** Who may have issued the brokers' certificates; the CAs that Node trusts when absent. */
  readonly ca?: SecretRef | undefined
  /** Our own certificate (and what issued it) with its key, for clusters that ask for one. */
  readonly cert?: SecretRef | undefined
  readonly key?: SecretRef | undefined
  /** The name in the brokers' certificates, where it is not the host that they are reached at. */
  readonly serverName?: string | undefined
}

export interface ClusterSecurity {
  readonly protocol: SecurityProtocol
  /** With SASL_PLAINTEXT and SASL_SSL. */
  readonly sasl?: SaslSecurity | undefined
  /** With SSL and SASL_SSL. */
  readonly tls?: TlsSecurity | undefined
}

/** Whether one set of connections serves both: the same addresses, secured in the same way. */
export function sameConnection(a: ClusterRoute, b: ClusterRoute): boolean {
  return (
    a.bootstrap.length === b.bootstrap.length &&
    a.bootstrap.every((address, i) => address === b.bootstrap[i]) &&
    sameSecurity(a.security, b.security)
  )
}

function sameSecurity(a: ClusterSecurity | undefined, b: ClusterSecurity | undefined): boolean {
  const { protocol, sasl, tls } = a ?? PLAINTEXT
  const { protocol: otherProtocol, sasl: otherSasl, tls: otherTls } = b ?? PLAINTEXT
  return (
    protocol === otherProtocol &&
    sasl?.mechanism === otherSasl?.mechanism &&
    sasl?.username === otherSasl?.username &&
    sasl?.password === otherSasl?.password &&
    tls?.ca === otherTls?.ca &&
    tls?.cert === otherTls?.cert &&
    tls?.key === otherTls?.key &&
    tls?.serverName === otherTls?.serverName
  )
}

const PLAINTEXT: ClusterSecurity = { protocol: 'PLAINTEXT' }
