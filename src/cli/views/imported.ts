/**
 * Writes an imported configuration as winnow.yaml: what a person would have written, with the line of the source above
 * each rule, and what Winnow would protect by itself as comments, ready to be switched on.
 */
import {
  isRule,
  type ImportedConfiguration,
  type ImportedGitRepository,
  type ImportedPolicy,
  type ImportedRegistry,
} from '../../core/import/imported-policy.ts'
import { flowText, nameText, scalarText } from './imported-flow.ts'
import { noteLines, ruleSection } from './imported-rule.ts'

export interface ImportedFileFacts {
  /** `an ECR lifecycle policy`. */
  readonly title: string
  /** As it was named. */
  readonly file: string
  /** How many warnings were told. */
  readonly warningCount: number
}

/** The text of a winnow.yaml. */
export function importedText(configuration: ImportedConfiguration, facts: ImportedFileFacts): string {
  return [
    '# yaml-language-server: $schema=./winnow.schema.json',
    ...headerLines(facts),
    'version: 1',
    'registries:',
    ...configuration.registries.flatMap(registryLines),
    ...noteLines(configuration.evidenceComments ?? unknownUse, ''),
    ...protectionLines(configuration.youngerThan ?? '0s'),
    ...gitLines(configuration.gitRepository),
    'policies:',
    ...uniquelyNamed(configuration.policies).flatMap(policyLines),
    '',
  ].join('\n')
}

function headerLines({ title, file, warningCount }: ImportedFileFacts): readonly string[] {
  const name = baseName(file)
  const source = title.includes(name) ? title : `${name}, ${title}`
  const differs =
    warningCount === 0
      ? 'It decides alike.'
      : `It decides alike, but for what ${warningCount === 1 ? 'the warning' : `the ${warningCount} warnings`} of \`winnow import\` said.`
  return [
    ...noteLines([`Imported from ${source}. ${differs}`], ''),
    '# Nothing is deleted by this file: `winnow plan` shows what would go and why, `winnow apply` asks first.',
  ]
}

/** The path of somebody's machine says nothing to those who read the result. */
function baseName(file: string): string {
  return file.split(/[/\\]/).at(-1) ?? file
}

function registryLines({ name, url, kind, remark }: ImportedRegistry): readonly string[] {
  const address = `    url: ${scalarText(url)}`
  return [
    `  ${scalarText(name)}:`,
    remark === undefined ? address : `${address}   # ${remark}`,
    ...(url.startsWith('http://') && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(url)
      ? ['    insecure: true   # http:// to another machine']
      : []),
    ...(kind === undefined ? [] : [`    kind: ${kind}`]),
  ]
}

const unknownUse = [
  'What is in use is not known to the source. Winnow keeps it, whatever rules say, once it may ask:',
]

function protectionLines(youngerThan: string): readonly string[] {
  const young =
    youngerThan === '0s' ? 'off, as in the source; Winnow’s own default is 24h' : 'as in the source'
  return [
    '# evidence:',
    '#   kubernetes:',
    '#     - {name: prod, kubeconfig: ~/.kube/config, context: prod}',
    '#   helm: {revisions: all}   # what `helm rollback` may need',
    'protect:',
    `  youngerThan: ${youngerThan}   # ${young}`,
    '  seenInUseWithin: 0s   # off; 7d keeps what evidence saw in use within a week',
    '  # tags: [latest, "stable*"]',
    '# The source knows no limits, so these never stop a run. Safer, and the default when left out:',
    '# limits: {maxDeletions: 500, maxShare: 30%, minSurvivors: 1}',
    'limits: {maxDeletions: 1000000, maxShare: 100%, minSurvivors: 0}',
  ]
}

function gitLines(git: ImportedGitRepository | undefined): readonly string[] {
  if (git === undefined) return []
  const { comments, ...repository } = git
  return ['git:', '  repositories:', ...noteLines(comments, '    '), `    - ${flowText(repository)}`]
}

function policyLines(policy: ImportedPolicy): readonly string[] {
  const repositories = `    repositories: ${flowText(policy.repositories)}`
  const { repositoriesRemark } = policy
  return [
    ...noteLines(policy.comments, '  '),
    `  - name: ${scalarText(policy.name)}`,
    ...(policy.registry === undefined ? [] : [`    registry: ${scalarText(policy.registry)}`]),
    repositoriesRemark === undefined ? repositories : `${repositories}   # ${repositoriesRemark}`,
    ...(policy.unit === 'image' ? [] : ['    unit: tag   # every tag is decided by itself']),
    ...ruleSection(policy.rules),
    `    unmatched: ${policy.unmatched}   # ${policy.unmatchedRemark}`,
    ...(policy.emptiedRemark === undefined ? [] : [`    emptied: keep   # ${policy.emptiedRemark}`]),
  ]
}

/** Plans tell policies, and the rules of one, apart by name; so none has the name of another. */
function uniquelyNamed(policies: readonly ImportedPolicy[]): readonly ImportedPolicy[] {
  const freePolicy = freeNames()
  return policies.map((policy) => {
    const freeRule = freeNames()
    return {
      ...policy,
      name: freePolicy(policy.name),
      rules: policy.rules.map((each) => (isRule(each) ? { ...each, name: freeRule(each.name) } : each)),
    }
  })
}

/** Gives each name once: the second `main` is `main (2)`. */
function freeNames(): (name: string) => string {
  const taken = new Set<string>()
  return (wanted) => {
    const first = nameText(wanted)
    let name = first
    for (let count = 2; taken.has(name); count++) name = `${first} (${count})`
    taken.add(name)
    return name
  }
}
