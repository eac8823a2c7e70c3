/** What Kafka sends where there is no id. */
export const ZERO_UUID = '00000000-0000-0000-0000-000000000000'

export function readUuid(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The number of bytes written: 16, or less when `uuid` is not one. */
export function writeUuid(bytes: Buffer, at: number, uuid: string): number {
  return bytes.write(uuid.replaceAll('-', ''), at, 16, 'hex')
}
