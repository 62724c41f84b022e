/**
 * Whether a registry is running on its files. "Stopped" is only said where a running one would certainly have been seen;
 * everything else is unknown, which whoever removes files takes for running.
 */
import { InterruptedError } from '../../../core/errors/errors.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { scanOpenFiles, type RunningState } from './scan-open-files.ts'

export interface RunningSigns {
  /**
   * Where the registry has an address: whether anything answers /v2/ there over HTTP, whatever the status. A failure to
   * connect is false; what throws says nothing.
   */
  readonly answers?: (options?: RunOptions) => Promise<boolean>
  /** Where the files lie in a folder: its path. */
  readonly folder?: string
  /** Where Linux tells about processes. @default '/proc' */
  readonly proc?: string
}

/** Silence at the address alone proves nothing: the registry may listen elsewhere. */
export async function detectRunning(
  { answers, folder, proc = '/proc' }: RunningSigns,
  options?: RunOptions,
): Promise<RunningState> {
  if (answers !== undefined && (await answersSomehow(answers, options))) return 'running'
  return folder === undefined ? 'unknown' : scanOpenFiles(folder, proc, options)
}

async function answersSomehow(
  answers: (options?: RunOptions) => Promise<boolean>,
  options: RunOptions | undefined,
): Promise<boolean> {
  try {
    return await answers(options)
  } catch (error) {
    if (error instanceof InterruptedError) throw error
    return false
  }
}
