/**
 * The `acr purge` command in what Azure keeps it in: a task file with steps, or the `az acr run` or `az acr task create`
 * that sends it, alone or after a variable that holds it. The result is the command as text, on the line it stands on, so that places still lead there.
 */
import type { Place } from './source-document.ts'
import { placeAt, splitCommand, type Word } from './shell-words.ts'

export type FoundCommand =
  | {
      readonly text: string
      /** The registry that `az` names. */
      readonly registry?: string
    }
  | { readonly place: Place; readonly problem: string }

/** Takes the command out of a task or an `az` command; any other text is what it is. */
export function commandOfTask(text: string): FoundCommand {
  const steps = stepCommands(text)
  if (steps !== undefined) return purgeAmong(steps, text)
  const variable = variableOf(text)
  if (variable !== undefined) return ofVariable(variable, text)
  const words = azWords(text)
  return words === undefined ? { text } : sentByAz(words)
}

/** The words of an `az` command that sends another one. */
function azWords(text: string): readonly Word[] | undefined {
  const split = splitCommand(text)
  const words = 'words' in split ? split.words : []
  const begin = words.map((word) => word.text).join(' ')
  return /^az acr (?:run|task (?:create|update)) /.test(begin) ? words : undefined
}

interface Variable {
  readonly name: string
  /** As it is written, quotes included. */
  readonly written: string
  readonly place: Place
  /** Where the next line begins. */
  readonly end: number
}

/** Far more than anybody writes by hand; an expression over millions of characters would run out of memory. */
const variableCharactersMax = 50_000

/** The variable that the text begins with, on a line by itself, as Microsoft's examples have it before `az acr run`. */
function variableOf(text: string): Variable | undefined {
  const assignment =
    /^((?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*)(?:export[ \t]+)?([A-Za-z_]\w*)=("[^"\\]*(?:\\[^][^"\\]*)*"|'[^']*'|[^\s"']*);?[ \t]*\r?\n/
  const [whole = '', before = '', name, written] = assignment.exec(text.slice(0, variableCharactersMax)) ?? []
  if (name === undefined || written === undefined) return undefined
  return { name, written, place: placeAt(text, before.length), end: whole.length }
}

/** Its value, where one `az` command follows, and uses exactly this variable, once and for its whole --cmd. */
function ofVariable({ name, written, place, end }: Variable, text: string): FoundCommand {
  const split = /^["']/.test(written) ? splitCommand(written) : undefined
  const value = split !== undefined && 'words' in split ? split.words[0]?.text : undefined
  const [before, after, more] = text.slice(end).split(new RegExp(`"\\$(?:${name}|\\{${name}\\})"`))
  const words =
    value === undefined || before === undefined || after === undefined || more !== undefined
      ? undefined
      : azWords(`${before}'${value.replaceAll("'", String.raw`'\''`)}'${after}`)
  const found = words && sentByAz(words)
  if (value !== undefined && found !== undefined && 'text' in found && found.text.trim() === value.trim())
    return { ...found, text: onLine(place.line, value) }
  return {
    place,
    problem: `What the shell makes of this variable is not known. Write the value of ${name} as the command, alone in the file, and import again.`,
  }
}

interface Step {
  readonly line: number
  readonly command: string
}

/** The commands of a task file (`steps: [{cmd: …}]`); undefined where the text is none. */
function stepCommands(text: string): readonly Step[] | undefined {
  const lines = text.split(/\r?\n/)
  if (!lines.some((line) => /^steps:\s*(?:#.*)?$/.test(line))) return undefined
  return lines.flatMap((line, index) => {
    const [, value] = /^\s*(?:-\s+)?cmd:\s+(\S.*?)\s*$/.exec(line) ?? []
    return value === undefined ? [] : [{ line: index + 1, command: scalarOf(value) }]
  })
}

/** A YAML scalar on one line. */
function scalarOf(value: string): string {
  const [, double] = /^"((?:[^"\\]|\\.)*)"(?:\s+#.*)?$/.exec(value) ?? []
  if (double !== undefined) return double.replace(/\\(["\\/])/g, '$1')
  const [, single] = /^'((?:[^']|'')*)'(?:\s+#.*)?$/.exec(value) ?? []
  return single?.replaceAll("''", "'") ?? value
}

function purgeAmong(steps: readonly Step[], text: string): FoundCommand {
  const block = steps.find(({ command }) => /^[|>]/.test(command))
  if (block !== undefined) {
    return {
      place: placeOfLine(text, block.line),
      problem: 'The command of this step goes over several lines. Write it in one, and import again.',
    }
  }
  const purges = steps.filter(({ command }) => /^(?:\S*\/)?acr\s+purge\b/.test(command))
  const [first, second] = purges
  if (first === undefined) {
    return {
      place: placeOfLine(text, steps[0]?.line ?? 1),
      problem: 'No step of this task is an `acr purge`.',
    }
  }
  if (second !== undefined) {
    return {
      place: placeOfLine(text, second.line),
      problem:
        'A second step purges, and works on what the first left. Import one of them at a time: take the other out of the file.',
    }
  }
  return { text: onLine(first.line, first.command) }
}

function sentByAz(words: readonly Word[]): FoundCommand {
  const valueOf = (...names: readonly string[]): Word | undefined => {
    const at = words.findIndex(({ text }) =>
      names.some((name) => text === name || text.startsWith(`${name}=`)),
    )
    const word = words[at]
    const joined = word?.text.indexOf('=') ?? -1
    if (word === undefined || !word.text.startsWith('-')) return undefined
    return joined === -1 ? words[at + 1] : { ...word, text: word.text.slice(joined + 1) }
  }
  const command = valueOf('--cmd')
  const [first] = words
  if (command === undefined) {
    return {
      place: first?.place ?? placeAt('', 0),
      problem: 'This `az acr` command has no --cmd. Import the `acr purge` command that it runs.',
    }
  }
  const registry = valueOf('--registry', '-r')?.text
  return { text: onLine(command.place.line, command.text), ...(registry !== undefined && { registry }) }
}

function onLine(line: number, command: string): string {
  return `${'\n'.repeat(line - 1)}${command}\n`
}

function placeOfLine(text: string, line: number): Place {
  const before = text.split('\n').slice(0, line - 1)
  return placeAt(text, before.join('\n').length + (before.length > 0 ? 1 : 0))
}
