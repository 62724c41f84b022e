/**
 * What extraction could not read, in sentences: what it is, where it stands, and what to do about it. How grave each
 * case is follows the reference (kubernetes, sections 3.3 and 5); `strict` makes every one of them stop the plan.
 */
import type { SourceProblem } from './evidence.ts'
import type { Findings } from './findings.ts'

const template = /\$\(|\$\{|\{\{|\$[A-Za-z_]|<[A-Za-z_]/
const quotedMax = 200

export class ExtractionNotes {
  readonly #findings: Findings
  readonly #isStrict: boolean

  constructor(findings: Findings, isStrict: boolean) {
    this.#findings = findings
    this.#isStrict = isStrict
  }

  /** An image field that is no reference. `isContainer` tells a container or volume from a field of another kind. */
  image(
    text: string,
    where: string,
    field: { readonly isContainer: boolean; readonly isOurs: boolean },
  ): void {
    const shown = quoted(text)
    // Other kinds put other things into fields called image; only what names us concerns us.
    if (!field.isContainer && !field.isOurs) return
    if (template.test(text)) {
      this.#note(
        'warning',
        `template ${shown}`,
        `unresolved:${shown}`,
        where,
        (places) =>
          `The image ${shown} in ${places} is a template; what it becomes is seen only where it is used.`,
      )
    } else if (field.isOurs) {
      // Admission policies hold patterns where pods hold images.
      this.#note(
        text.includes('*') ? 'warning' : 'incomplete',
        `image ${shown}`,
        `unreadable:${shown}`,
        where,
        (places) =>
          `The image ${shown} in ${places} names a managed registry and is no image reference. Correct it, or accept it by name.`,
      )
    } else {
      this.#note(
        'warning',
        `image ${shown}`,
        `unreadable:${shown}`,
        where,
        (places) => `The image ${shown} in ${places} is no image reference.`,
      )
    }
  }

  /** The id of a running image in no form we know: something runs, and it may be ours. */
  imageId(text: string, where: string, isPod: boolean): void {
    const shown = quoted(text)
    this.#note(
      isPod ? 'incomplete' : 'warning',
      `id ${shown}`,
      `unreadable:${shown}`,
      where,
      (places) =>
        `The id ${shown} of a running image in ${places} cannot be read, so what runs there is unknown. Restart it, or accept it by name.`,
    )
  }

  /** A text that begins with a managed name and is no reference. */
  mention(kind: 'template' | 'unreadable', text: string, where: string): void {
    const shown = quoted(text)
    const what = kind === 'template' ? 'is a template' : 'cannot be read as an image reference'
    this.#note(
      'warning',
      `mention ${shown}`,
      `unreadable:${shown}`,
      where,
      (places) => `${shown} in ${places} begins with a managed name and ${what}; nothing is protected by it.`,
    )
  }

  /** A repository of ours without a tag, in an object that holds none of its tags. */
  unresolved(repository: string, where: string): void {
    this.#note(
      'warning',
      `unresolved ${repository}`,
      `unresolved:${repository}`,
      where,
      (places) =>
        `${repository} is mentioned in ${places} without a tag that it has; only latest is protected by that.`,
    )
  }

  /** An object of which not every value was seen. */
  tooLarge(where: string): void {
    this.#note(
      'incomplete',
      `size ${where}`,
      `too-large:${where}`,
      where,
      (places) =>
        `${places} holds too many values to be read in full. Exclude its kind by name if it holds no images.`,
    )
  }

  #note(
    severity: SourceProblem['severity'],
    subject: string,
    accept: string,
    where: string,
    say: (places: string) => string,
  ): void {
    this.#findings.problem(
      { severity: this.#isStrict ? 'incomplete' : severity, subject, accept },
      where,
      say,
    )
  }
}

/** As a report may show it: short, and without credentials in front of a host. */
function quoted(text: string): string {
  const shown = text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text
  return JSON.stringify(shown.replace(/[^\s/@:]{1,100}:[^\s/@]{1,100}@(?!sha(?:256|512):)/g, '***@'))
}
