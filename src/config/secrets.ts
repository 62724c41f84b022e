/**
 * Finds what must not be shown. A configuration should hold no secret at all; when someone writes one in spite of
 * that, the message that tells them so must not carry it into a terminal's scrollback or a CI log.
 */

const secretKey = /passw|secret|token|credential|api_?-?key|access_?-?key|private_?-?key/i
const namesAPlace = /(?:file|env|path|name|url)$/i

/** Whether what stands under this key may be a secret itself, rather than the place of one (`passwordFile`). */
export function isSecretKey(key: string): boolean {
  return secretKey.test(key) && !namesAPlace.test(key)
}

/** Whether a value stands where the name of a variable belongs and is none: then it may be the secret itself. */
export function isMisplacedSecret(key: string, value: unknown): boolean {
  return (
    secretKey.test(key) &&
    /env$/i.test(key) &&
    typeof value === 'string' &&
    !/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
  )
}

/** Whether a text holds `user:password@` in front of a host. */
export function hasUserinfo(text: string): boolean {
  return /:\/\/[^/?#\s]*@/.test(text)
}

const secretOnLine =
  /((?:^|[\s{,"'])[\w-]*(?:passw|secret|token|credential|api_?-?key|access_?-?key|private_?-?key)[\w-]*["']?\s*[:=]\s*)(\S.*)$/i
const keyOnLine = /([\w-]+)["']?\s*[:=]\s*$/

/** One line of a file, with everything that may be a secret as asterisks of the same length. */
export function maskLine(line: string): string {
  const withoutUserinfo = line.replace(/:\/\/[^/?#\s"']*@/g, (found) => `://${'*'.repeat(found.length - 4)}@`)
  const [, before, value] = secretOnLine.exec(withoutUserinfo) ?? []
  if (before === undefined || value === undefined) return withoutUserinfo
  const key = keyOnLine.exec(before)?.[1] ?? ''
  const at = withoutUserinfo.length - value.length
  if (!isSecretKey(key)) return withoutUserinfo.slice(0, at) + maskLine(value)
  return withoutUserinfo.slice(0, at) + '*'.repeat(value.length)
}
