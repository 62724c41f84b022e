/** Joins what was extracted list by list. A list that had to be begun anew throws away its own part only. */
import type { Extraction } from '../../../core/evidence/extract.ts'

/** Counts are added up; the same statement made twice counts once. */
export function joinExtractions(parts: readonly Extraction[]): Extraction {
  return {
    references: distinct(
      parts.flatMap(({ references }) => references),
      ({ reference, where }) => `${reference}\n${where}`,
    ),
    digests: distinct(
      parts.flatMap(({ digests }) => digests),
      ({ digest, where }) => `${digest}\n${where}`,
    ),
    problems: distinct(
      parts.flatMap(({ problems }) => problems),
      ({ severity, text }) => `${severity}\n${text}`,
    ),
    objects: sum(parts.map(({ objects }) => objects)),
    pods: sum(parts.map(({ pods }) => pods)),
  }
}

function distinct<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()]
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
