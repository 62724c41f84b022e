/**
 * Places: `newest: N` keeps those that have one, `beyondNewest: N` takes those that have none.
 *
 * A row in several streams has the best of its places: more streams never delete more.
 */
import type { Streams } from '../streams.ts'

/** A row's rank in the stream where it stands best; 1 is the newest. */
export interface Place {
  readonly rank: number
  /** How many contend in that stream. */
  readonly of: number
  /** The stream's name; the empty text where a rule has one count for all. */
  readonly stream: string
}

/** The best place of every row that could be ordered, by position. */
export function bestPlaces(streams: Streams): ReadonlyMap<number, Place> {
  const places = new Map<number, Place>()
  for (const [stream, contenders] of streams.streams) {
    contenders.forEach((contender, index) => {
      const place = { rank: index + 1, of: contenders.length, stream }
      for (const row of contender.rows) {
        const other = places.get(row)
        if (other === undefined || place.rank < other.rank) places.set(row, place)
      }
    })
  }
  return places
}

/** `3rd`, for reasons. */
export function ordinal(n: number): string {
  const tens = n % 100
  if (tens >= 11 && tens <= 13) return `${n}th`
  return `${n}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`
}
