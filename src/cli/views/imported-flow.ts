/** Values of winnow.yaml on one line: `{tags: ["v*"], tagged: true}`, quoted as little as YAML allows. */
/** Anything that the file holds, on one line. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    return `{${entries.map(([key, each]) => `${scalarText(key)}: ${flowText(each)}`).join(', ')}}`
  }
  return typeof value === 'string' ? scalarText(value) : String(value)
}

/** Words that YAML would read as something else than text. */
const reserved = /^(?:true|false|null|yes|no|on|off|y|n|~|\.nan|[-+]?\.inf)$/i

/** A text: bare where it is a plain word or words, in double quotes else, in single quotes where it has backslashes. */
export function scalarText(text: string): string {
  const isPlain =
    /^[A-Za-z][\w ./@>=-]*[\w/]$|^[A-Za-z]$|^https?:\/\/[\w.:/-]+$|^\d+[smhd]$|^P\w+$/.test(text) &&
    !reserved.test(text)
  if (isPlain && !text.includes('  ')) return text
  if (/[\\"]/.test(text) && /^[\x20-\x7e]*$/.test(text)) return `'${text.replaceAll("'", "''")}'`
  return JSON.stringify(text).replace(unseen, escapeUnseen)
}

/** What breaks a line of YAML, turns the order of letters around, or is not seen at all. */
const unseen = /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]/g

function escapeUnseen(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Names are one line of at most 200 characters; the source may have others. */
export function nameText(name: string): string {
  const line = name.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  if (line === '') return 'imported'
  return line.length <= 190 ? line : `${[...line].slice(0, 90).join('')}…`
}
