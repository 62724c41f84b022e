/** What the checks share: how they tell a finding, and how they look at a value that may be anything. */
import type { z } from 'zod'
import type { Path } from './yaml-source.ts'

/** Tells a finding; `atKey` points at the key rather than at its value. */
export type Report = (path: Path, message: string, hint?: string, atKey?: boolean) => void

/** The value as the schema has it, or undefined when it has mistakes of its own (which are told elsewhere). */
export function wellFormed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> | undefined {
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
