/** The names that specifications give to things, branded so that one is never passed for another. */

/** The key of a registry in winnow.yaml. */
export type RegistryName = string & { readonly __brand: 'RegistryName' }
/** `<name>` of the distribution specification, without a host: `team/app`. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' }
export type TagName = string & { readonly __brand: 'TagName' }

const repositoryName = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagName = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

/** The repository name that `text` is (distribution-spec, "Pulling manifests"), or undefined. */
export function parseRepositoryName(text: string): RepositoryName | undefined {
  return text.length <= 255 && repositoryName.test(text) ? (text as RepositoryName) : undefined
}

/** The tag that `text` is (distribution-spec, "Pulling manifests"), or undefined. */
export function parseTagName(text: string): TagName | undefined {
  return tagName.test(text) ? (text as TagName) : undefined
}
