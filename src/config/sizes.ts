/** Sizes in bytes: a plain number, `100MiB` and `64Ki` (powers of 1024), `1GB` and `500k` (powers of 1000). */

const powers = ['', 'k', 'm', 'g', 't', 'p']
const written = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(i?)b?$/i

/** The number of bytes that a size spells, or undefined when it spells none or one too large to count with. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined
  const [, amount, prefix = '', binary = ''] = written.exec(value) ?? []
  if (amount === undefined || (binary !== '' && prefix === '')) return undefined
  const bytes = Math.round(
    Number(amount) * (binary === '' ? 1000 : 1024) ** powers.indexOf(prefix.toLowerCase()),
  )
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
