/**
 * Which of some words was most likely meant by one that is none of them: for mistakes, and never to read one word as another.
 */

/** From this length on two slips are forgiven; a shorter word soon resembles another one. */
const LONG_WORD = 6

/** The nearest of `among`, if it is near: the same but for case, `_` and `-`, or one slip of the keys away (two in long words). */
export function closestWord(word: string, among: Iterable<string>): string | undefined {
  let closest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const each of among) {
    const slips = plain(each) === plain(word) ? 0 : slipsBetween(word, each)
    if (slips <= (each.length >= LONG_WORD ? 2 : 1) && slips < least) {
      closest = each
      least = slips
    }
  }
  return closest
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '')
}

/** How many letters are missing, too many, wrong, or in the wrong order with their neighbour (optimal string alignment). */
function slipsBetween(one: string, other: string): number {
  // Far longer words are none of ours, and the table would be large.
  if (Math.abs(one.length - other.length) > 2) return Number.POSITIVE_INFINITY
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, i) => i)
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i]
    for (let k = 1; k <= other.length; k += 1) {
      const isSame = one[i - 1] === other[k - 1]
      const isSwapped = i > 1 && k > 1 && one[i - 1] === other[k - 2] && one[i - 2] === other[k - 1]
      const least = Math.min(
        at(last, k) + 1,
        at(row, k - 1) + 1,
        at(last, k - 1) + (isSame ? 0 : 1),
        isSwapped ? at(beforeLast, k - 2) + 1 : Number.POSITIVE_INFINITY,
      )
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return at(last, other.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
