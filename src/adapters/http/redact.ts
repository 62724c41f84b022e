/**
 * Takes credentials out of text that a person, a log or a file may see.
 *
 * Knows the places where credentials usually stand (user part of a URL, signed query parameters, Authorization
 * values), and every secret that was registered, in the encodings it may come back in. It errs towards taking out
 * too much. Secrets under four characters are not searched for: they would turn every text into stars.
 */

const MASK = '***'
const SECRET_LENGTH_MIN = 4
const SECRET_PARAMETER =
  /^(?:x-amz-.*|x-goog-.*|x-ms-.*|.*token.*|.*secret.*|.*passw.*|.*credential.*|.*signature.*|sig|se|sp|sv|skoid|key|api[-_]?key|access[-_]?key.*|awsaccesskeyid|code|assertion|auth|authorization|policy|key-pair-id|hmac|jwt)$/i
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>\\]+/gi
/** Words have no digits, padding or slashes; credentials of eight characters and more do. */
const AUTHORIZATION_IN_TEXT = /\b(bearer|basic|token)(\s+)(?=[A-Za-z.-]*[0-9_~+/=])[A-Za-z0-9._~+/=-]{8,}/gi
const JWT_IN_TEXT = /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*/g

export class Redactor {
  readonly #secrets = new Set<string>()

  /** Registers a secret value, with its base64 and URL-encoded forms; from now on no text holds it. */
  register(secret: string): void {
    if (secret.length < SECRET_LENGTH_MIN || this.#secrets.has(secret)) return
    this.#secrets.add(secret)
    // Half a surrogate pair has no URL encoding; bytes on the wire hold its replacement.
    this.#secrets.add(encodeURIComponent(Buffer.from(secret).toString('utf8')))
    this.#secrets.add(new URLSearchParams({ v: secret }).toString().slice(2))
    this.#secrets.add(Buffer.from(secret).toString('base64').replace(/=+$/, ''))
    // How JSON writes it, without the quotes around it.
    this.#secrets.add(JSON.stringify(secret).slice(1, -1))
  }

  /** The text without any credential known or recognised. */
  text(text: string): string {
    let safe = text
    // Longest first: a secret that contains another one must not leave its rest behind.
    for (const secret of [...this.#secrets].toSorted((a, b) => b.length - a.length)) {
      safe = safe.replaceAll(secret, MASK)
    }
    return safe
      .replace(URL_IN_TEXT, (url) => redactUrl(url))
      .replace(JWT_IN_TEXT, MASK)
      .replace(AUTHORIZATION_IN_TEXT, `$1$2${MASK}`)
  }

  /** An error to keep as `cause`: its message and code, without stack frames of foreign text or attached requests. */
  cause(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error)
    const safe = new Error(this.text(message))
    const code = errorCode(error)
    return code === undefined ? safe : Object.assign(safe, { code })
  }
}

/** A URL without user part and without the values of query parameters that sign or authorize. */
export function redactUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined) return url.replace(/\/\/[^/@\s]*@/, `//${MASK}@`)
  const hasSecretParameter = [...parsed.searchParams.keys()].some((name) => SECRET_PARAMETER.test(name))
  if (parsed.username === '' && parsed.password === '' && !hasSecretParameter) return url
  if (parsed.username !== '' || parsed.password !== '') {
    parsed.username = ''
    parsed.password = ''
  }
  for (const name of new Set(parsed.searchParams.keys())) {
    if (SECRET_PARAMETER.test(name)) parsed.searchParams.set(name, MASK)
  }
  return parsed.href
}

/** The `code` of a system or library error, such as ECONNREFUSED. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
