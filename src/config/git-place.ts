/** Where a Git repository lies: the path of a clone, or an address in one of the two forms that Git reads. */

interface Refusal {
  readonly problem: string
  readonly hint: string
}

const address = /^([a-z][a-z0-9+.-]*):\/\//i
/** `git@host:path`, as Git reads it: a colon before the first slash. On the left of it there is no drive letter alone. */
const scpLike = /^(?:[^/@:\s]+@)?[^/:\s]{2,}:(?!\/\/)/
const schemes = ['https', 'http', 'ssh', 'git+ssh', 'ssh+git', 'file']
const loopback = /^http:\/\/(?:localhost|127\.[0-9.]+|\[::1\])(?::[0-9]+)?(?:\/|$)/i

/** Whether it is fetched from elsewhere, and not a clone at a path. */
export function isGitAddress(place: string): boolean {
  return address.test(place) || scpLike.test(place)
}

/** What is wrong with a place, if anything is. */
export function refuseGitPlace(place: string): Refusal | undefined {
  if (place.trim() === '' || /[\0\r\n]/.test(place)) {
    return { problem: 'This is empty.', hint: 'Write the path of a clone or the address of a repository.' }
  }
  if (place.startsWith('-')) {
    return { problem: 'Git would take this for an option.', hint: 'Write a path as ./-name.' }
  }
  const scheme = address.exec(place)?.[1]?.toLowerCase()
  if (scheme === undefined) return refuseTransport(place)
  if (!schemes.includes(scheme)) {
    return {
      problem: `Winnow does not fetch by ${scheme}.`,
      hint: 'Write an address with https or ssh, or the path of a clone.',
    }
  }
  if (scheme === 'http' && !loopback.test(place)) {
    return {
      problem: 'Anyone on the way could change what http brings, and so what is deleted.',
      hint: 'Write https, or use a clone that something else keeps up to date.',
    }
  }
  if (/^[^:]+:\/\/(?:[^/@]*@)?-/.test(place)) {
    return { problem: 'Ssh would take its host for an option.', hint: 'Write the host by its name.' }
  }
  if (/^https?:\/\/[^#]*[?#]/i.test(place)) {
    return {
      problem: 'An address here cannot hold a query: secrets stand in those, and this file is read by many.',
      hint: 'Use `auth:` with names of environment variables or files, or a credential helper of Git.',
    }
  }
  if (/^https?:\/\/[^/@]*@/i.test(place)) {
    return {
      problem:
        'An address here cannot hold a user name or password: this file is read by many and kept in Git.',
      hint: 'Use `auth:` with names of environment variables or files, or a credential helper of Git.',
    }
  }
  return undefined
}

/** `ext::sh -c …` is a program to run. */
function refuseTransport(place: string): Refusal | undefined {
  if (/^[^/@:\s]+@-/.test(place))
    return { problem: 'Ssh would take its host for an option.', hint: 'Write the host by its name.' }
  return /^[a-z0-9+.-]+::/i.test(place)
    ? { problem: 'Winnow does not run programs to fetch.', hint: 'Write an address with https or ssh.' }
    : undefined
}

/** The last part of a path or address, which is what people call a repository. */
export function gitPlaceName(place: string): string {
  const last = place.replace(/\/+$/, '').split(/[/:]/).at(-1) ?? ''
  return last.replace(/\.git$/, '')
}
