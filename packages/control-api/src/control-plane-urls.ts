// Where control planes are. Several of them share one store: what one knows, all know.
import { ControlPlaneError } from './problems.ts'

/** `http://127.0.0.1:7070`, several separated by commas, or a list of such. */
export type ControlPlaneUrls = string | readonly string[]

/** Throws UNAVAILABLE when one is no URL, or there is none. Keeps a path below which a control plane is mounted. */
export function baseUrls(urls: ControlPlaneUrls): readonly [URL, ...URL[]] {
  const [first, ...others] = [urls]
    .flat()
    .flatMap((some) => some.split(','))
    .map((url) => url.trim())
    .filter((url) => url !== '')
  return [baseUrl(first ?? ''), ...others.map(baseUrl)]
}

function baseUrl(url: string): URL {
  let base: URL
  try {
    base = new URL(url)
  } catch {
    throw new ControlPlaneError(
      'UNAVAILABLE',
      0,
      `${JSON.stringify(url)} is no URL of a control plane; it looks like http://127.0.0.1:7070`,
    )
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:') {
    throw new ControlPlaneError('UNAVAILABLE', 0, `${url}: a control plane is reached by http: or https:`)
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

/** As messages name them. */
export function namesOf(bases: readonly URL[]): string {
  return bases.map(({ origin }) => origin).join(', ')
}
