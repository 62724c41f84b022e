/**
 * What git's own words mean, and what cures it. They are read in the C locale; what is not recognised is told as it is.
 *
 * Source: the messages of git 2.30 to 2.47 (transport.c, http.c, remote-curl.c, setup.c), OpenSSH and libcurl.
 */
import { GitReadError, type GitTrouble } from './git-errors.ts'

interface Explanation {
  readonly trouble: GitTrouble
  readonly words: RegExp
  readonly what: string
  readonly cure: string
}

/** The first that matches counts, so the more special ones come first. */
const explanations: readonly Explanation[] = [
  {
    trouble: 'not-owned',
    words: /dubious ownership|unsafe repository/i,
    what: 'The repository belongs to another user, so git does not read it',
    cure: 'Run Winnow as its owner, or, if you trust what is in it, run once as the user Winnow runs as:\ngit config --global --add safe.directory',
  },
  {
    trouble: 'disk-full',
    words: /no space left on device|disk quota exceeded/i,
    what: 'The disk is full',
    cure: 'Free some space where the state directory lies, then run the command again.',
  },
  {
    trouble: 'transport-refused',
    words: /transport '[^']*' not allowed|protocol .* (?:not supported|disabled)|Unsupported protocol/i,
    what: 'Git would have to use a way of transport that Winnow does not allow',
    cure: 'Use an address with https or ssh; see docs/git-reading.md.',
  },
  {
    trouble: 'host-key',
    words: /host key verification failed|remote host identification has changed/i,
    what: "The server's SSH host key is not known here, or is another one than before",
    cure: 'Compare the key with what its operator publishes, then add it to ~/.ssh/known_hosts of the user Winnow runs as.',
  },
  {
    trouble: 'certificate',
    words:
      /SSL certificate|certificate verif|server certificate|self[- ]signed certificate|TLS (?:connect|handshake|alert)|SSL_(?:connect|read|error)|gnutls_\w+\(|schannel:/i,
    what: "The server's certificate is not trusted, or no secure connection came about",
    cure: 'Add its authority to the system, or name it for git:\ngit config --global http.sslCAInfo /path/to/ca.pem',
  },
  {
    trouble: 'credentials',
    words:
      /authentication failed|could not read (?:username|password)|terminal prompts disabled|permission denied \(|invalid username or (?:password|token)|access denied|returned error: 40[137]/i,
    what: 'The server wants other credentials than it was given',
    cure: 'Name a user with a password or token under `auth:` of this repository; without it, git asks its own credential helpers, and ssh its agent and keys, as the user Winnow runs as.',
  },
  {
    trouble: 'not-found',
    words:
      /repository .*not found|not appear to be a git repository|returned error: (?:404|410)|project you were looking for could not be found|no such file or directory/i,
    what: 'There is no such repository, or these credentials may not see it',
    cure: 'Check the address, and that the user or token may read the repository.',
  },
  {
    trouble: 'server-failed',
    words: /returned error: 5\d\d|returned error: 429/i,
    what: 'The server failed',
    cure: 'Run the command again when the server is well.',
  },
  {
    trouble: 'unreachable',
    words:
      /could ?n[o']t resolve|name or service not known|failed to connect|could ?n[o']t connect|connection (?:refused|reset|timed out|closed)|network is unreachable|no route to host|operation too slow|timed out|hung up unexpectedly|early EOF|unexpected disconnect|RPC failed|empty reply/i,
    what: 'The server could not be reached, or the connection broke off',
    cure: 'Check the address and the network between, then run the command again.',
  },
  {
    trouble: 'not-a-repository',
    words: /not a git repository|cannot use bare repository|invalid gitfile|repositor(?:y|ies) version/i,
    what: 'There is no Git repository that git here can read',
    cure: 'Give the top folder of a clone (the one with .git in it), or a bare repository.',
  },
  {
    trouble: 'corrupt',
    words:
      /broken ref|bad object|bad tree|missing (?:object|blob|tree|commit)|could not (?:read|parse)|unable to (?:read|parse|find)|corrupt|object file .* is empty|inflate|packfile|index file|does not match index|invalid object|traverse parents|did not send all necessary objects|unable to create .*\.lock/i,
    what: 'The repository is damaged',
    cure: 'See what `git fsck` says in it, or clone it anew.',
  },
]

/** An error for a command that failed, from what it said; `stderr` is redacted already. */
export function explainFailure(stderr: string, status: number | null, place?: string): GitReadError {
  const said = lastWords(stderr)
  const found = explanations.find(({ words }) => words.test(said))
  const quoted = said === '' ? '' : ` Git said: ${said}`
  const where = place === undefined ? '' : ` (${place})`
  if (found === undefined) {
    const ending = status === null ? 'was ended by a signal' : `failed with status ${status}`
    return new GitReadError(
      'failed',
      `Git ${ending}${where}.${quoted}`,
      'Run the same by hand to see more of it.',
    )
  }
  const cure = found.trouble === 'not-owned' && place !== undefined ? `${found.cure} ${place}` : found.cure
  return new GitReadError(found.trouble, `${found.what}${where}.${quoted}`, cure)
}

const wordsCharsMax = 600

/** What matters of stderr on one line: no progress, no hints, no ends of connections that only repeat it. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== '' &&
        !/^(?:hint:|remote: (?:Enumerating|Counting|Compressing|Total)|\w+ objects:|Resolving deltas:|From |[*+!t=-] +\[)/.test(
          line,
        ),
    )
  const told = lines.filter((line) =>
    /^(?:fatal|error|warning|remote|ERROR|ssh|.*denied|.*[Hh]ost key)/.test(line),
  )
  return (told.length > 0 ? told : lines).join(' ').slice(-wordsCharsMax)
}
