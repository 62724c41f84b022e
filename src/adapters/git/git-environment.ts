/**
 * The environment and the leading words that every git command of ours runs with.
 *
 * Promises: nothing in the caller's environment points git at another repository, index or object store, hands it
 * configuration, has it trace (traces hold credentials) or run a program; git asks nobody; nothing is fetched unless the
 * command is a fetch; replacements and grafts do not show; hooks and file system monitors do not run. What remains is the
 * person's own way to reach servers: ~/.gitconfig, SSH, certificates, proxies.
 */
import { devNull } from 'node:os'

export type Environment = Readonly<Record<string, string | undefined>>

/** How the person reaches servers and which configuration files are theirs; every other GIT_ variable is dropped. */
const kept = new Set([
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_SYSTEM',
  'GIT_EXEC_PATH',
  'GIT_HTTP_PROXY_AUTHMETHOD',
  'GIT_HTTP_USER_AGENT',
  'GIT_PROXY_SSL_CAINFO',
  'GIT_PROXY_SSL_CERT',
  'GIT_PROXY_SSL_KEY',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_SSL_CERT',
  'GIT_SSL_CIPHER_LIST',
  'GIT_SSL_KEY',
  'GIT_SSL_NO_VERIFY',
  'GIT_SSL_VERSION',
])

/** Programs that would ask a person, and languages that would make git's words unreadable to us. */
const dropped = /^(?:GIT_.*|SSH_ASKPASS|LANGUAGE|LANG|LC_.*)$/

const fixed: Readonly<Record<string, string>> = {
  LC_ALL: 'C',
  GIT_TERMINAL_PROMPT: '0',
  // Set and empty: git looks no further, neither at core.askPass nor at SSH_ASKPASS.
  GIT_ASKPASS: '',
  SSH_ASKPASS_REQUIRE: 'never',
  GCM_INTERACTIVE: 'never',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_GRAFT_FILE: devNull,
  GIT_NO_LAZY_FETCH: '1',
  // A list of protocols with nothing in it: no git of any version fetches anything by the way.
  GIT_ALLOW_PROTOCOL: '',
}

/** @param extra wins over everything else */
export function gitEnvironment(caller: Environment, extra: Environment = {}): NodeJS.ProcessEnv {
  const own = Object.entries(caller).filter(([name]) => kept.has(name) || !dropped.test(name))
  return { ...Object.fromEntries(own), ...fixed, ...extra }
}

/**
 * Words before the command: they win over every configuration file, that of a foreign clone included.
 *
 * core.alternateRefsCommand is a program run while fetching into a clone with alternates; `:` does nothing. The commit
 * graph is a cache beside the objects that may be old or wrong; what is decided here is decided by the objects.
 */
export const hardeningWords: readonly string[] = [
  '--no-pager',
  ...settings({
    'core.hooksPath': devNull,
    'core.fsmonitor': 'false',
    'core.alternateRefsCommand': ':',
    'core.commitGraph': 'false',
    'core.gitProxy': '',
    'protocol.version': '2',
    'gc.auto': '0',
    'maintenance.auto': 'false',
    'fetch.writeCommitGraph': 'false',
    'fetch.recurseSubmodules': 'false',
    'credential.interactive': 'false',
  }),
]

/** `-c name=value` for each. Never a secret: other people on the machine see the words of a command. */
export function settings(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
