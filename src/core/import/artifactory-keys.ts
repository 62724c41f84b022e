/** Repository keys of Artifactory, by name or by mask; what several rules of a policy say of them must all hold. */
import { compileTagPattern } from '../policy/compile-patterns.ts'
import { escapeGlob, globOfWildcards } from './globs.ts'

export interface Key {
  /** A glob on the first part of a repository's name. */
  readonly glob: string
  /** The key itself; undefined for a mask. */
  readonly name?: string
}

export const allKeys: Key = { glob: '*' }

export function keyOfName(name: string): Key {
  return { glob: escapeGlob(name), name }
}

export function keyOfMask(mask: string): Key {
  return { glob: globOfWildcards(mask, { question: true }) }
}

/** Keys that are in both lists; undefined where two masks would have to be one. */
export function meetKeys(some: readonly Key[], others: readonly Key[]): readonly Key[] | undefined {
  const both: Key[] = []
  for (const one of some) {
    for (const other of others) {
      const meeting = meetOf(one, other)
      if (meeting === undefined) return undefined
      both.push(...meeting)
    }
  }
  return both
}

function meetOf(one: Key, other: Key): readonly Key[] | undefined {
  if (one.glob === other.glob || other.glob === allKeys.glob) return [one]
  if (one.glob === allKeys.glob) return [other]
  if (one.name !== undefined) return covers(other, one.name) ? [one] : []
  if (other.name !== undefined) return covers(one, other.name) ? [other] : []
  return undefined
}

/** Whether a key has this name. */
export function covers({ glob, name }: Key, other: string): boolean {
  return name === undefined ? compileTagPattern(glob).matches(other) : name === other
}

/** False only where it is certain that no repository key is both. */
export function mayMeet(some: readonly Key[], others: readonly Key[]): boolean {
  return some.some((one) => others.some((other) => mayBeOne(one, other)))
}

function mayBeOne(one: Key, other: Key): boolean {
  if (one.name !== undefined) return covers(other, one.name)
  if (other.name !== undefined) return covers(one, other.name)
  const [begin, otherBegin] = [one, other].map(({ glob }) => /^[^*?\\[{]*/.exec(glob)?.[0] ?? '')
  const [end, otherEnd] = [one, other].map(({ glob }) => /[^*?\\\]}]*$/.exec(glob)?.[0] ?? '')
  return areAlike(begin, otherBegin, 'startsWith') && areAlike(end, otherEnd, 'endsWith')
}

function areAlike(one = '', other = '', how: 'startsWith' | 'endsWith'): boolean {
  return one[how](other) || other[how](one)
}
