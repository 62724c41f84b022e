/** Makes single files fail for a program, by what the kernel is told through strace; no file system of our own is needed. */
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'

const STRACE = 'strace'

/** Whether strace is here and may trace; containers often forbid it. */
export function isTracing(): boolean {
  try {
    execFileSync(STRACE, ['-f', '--seccomp-bpf', '-e', 'trace=chdir', 'true'], {
      stdio: 'ignore',
      cwd: tmpdir(),
    })
    return true
  } catch {
    return false
  }
}

const OPENING = 'open,openat'

/** The first attempt to open `path` says that there is no such file; in each thread the first. */
export function vanishing(path: string, trace: string): readonly string[] {
  return failing([path], trace, { calls: OPENING, how: 'error=ENOENT:when=1' })
}

/**
 * Whatever is asked about `paths` themselves says that there are no such files, while the folders they lie in still list
 * them: as for somebody who had read those folders before the files were deleted. It holds from the start, so nothing
 * depends on who is faster.
 */
export function deletedAfterListing(paths: readonly string[], trace: string): readonly string[] {
  return failing(paths, trace, { calls: '%file', how: 'error=ENOENT' })
}

/** Every attempt to open `path` fails as a bad disk does. */
export function unreadable(path: string, trace: string): readonly string[] {
  return failing([path], trace, { calls: OPENING, how: 'error=EIO' })
}

function failing(
  paths: readonly string[],
  trace: string,
  { calls, how }: { readonly calls: string; readonly how: string },
): readonly string[] {
  const only = paths.flatMap((path) => ['-P', path])
  return [...traced(trace), ...only, '-e', `trace=${calls}`, '-e', `inject=${calls}:${how}`]
}

/** Stops the program at no other calls than those that are traced, so that it is hardly slower. */
function traced(trace: string): readonly string[] {
  return [STRACE, '-f', '--seccomp-bpf', '-qq', '-o', trace]
}

/** Writes every file that is opened to `trace`, a line each. */
export function openedFiles(trace: string): readonly string[] {
  return [...traced(trace), '-e', `trace=${OPENING}`]
}
