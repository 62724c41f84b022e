/**
 * What the YAML parser's complaints mean to a person. Its own sentences are not passed on: they quote the text they
 * stumbled over, which may be a secret.
 */
import type { ErrorCode } from 'yaml'

interface Problem {
  readonly message: string
  readonly hint?: string
}

const quote =
  'Put quotes around a text that begins with one of * & ! @ ` % | > [ ] { } or holds ": " or " #".'

const problems: Readonly<Partial<Record<ErrorCode, Problem>>> = {
  ALIAS_PROPS: { message: 'An alias can have no anchor or tag of its own.', hint: quote },
  BAD_ALIAS: {
    message: 'This is an alias (`*name`) of an anchor that does not exist.',
    hint: 'A pattern that begins with an asterisk needs quotes: "*-rc".',
  },
  BAD_DQ_ESCAPE: {
    message: 'This is no escape that double quotes know.',
    hint: String.raw`In a regular expression write single quotes around the text: '/v\d+/'.`,
  },
  BAD_INDENT: { message: 'The indentation does not fit the lines above.' },
  BAD_SCALAR_START: { message: 'A text without quotes cannot begin like this.', hint: quote },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'A key and its value cannot stand in one line with another key.',
    hint: quote,
  },
  BLOCK_IN_FLOW: { message: 'A block cannot stand between brackets or braces.', hint: quote },
  DUPLICATE_KEY: { message: 'This key is written twice.', hint: 'Join the two, or take one out.' },
  MISSING_CHAR: {
    message:
      'Something is missing here: a closing quote, bracket or brace, a comma, or a blank after a colon.',
  },
  MULTILINE_IMPLICIT_KEY: { message: 'A key must stand in one line, with a colon and a blank after it.' },
  MULTIPLE_DOCS: { message: 'A configuration is one YAML document; here a second one begins.' },
  RESOURCE_EXHAUSTION: { message: 'This stands for too much to be a configuration.' },
  TAB_AS_INDENT: { message: 'A tab cannot indent YAML.', hint: 'Indent with blanks.' },
  TAG_RESOLVE_FAILED: {
    message: 'YAML reads a text that begins with an exclamation mark as a tag.',
    hint: 'A pattern that takes out needs quotes: "!team/base".',
  },
  UNEXPECTED_TOKEN: { message: 'This is not expected here.', hint: quote },
}

/** The sentence and cure for one of the parser's codes. */
export function yamlProblem(code: ErrorCode): Problem {
  return problems[code] ?? { message: `This is not valid YAML (${code.toLowerCase().replaceAll('_', ' ')}).` }
}
