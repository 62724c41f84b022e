/**
 * Where credentials come from. A source is asked lazily, for one host and path, and asked again with `refresh` after
 * the other side refused what it gave; it answers `undefined` where it has nothing, and throws where it should have
 * something and cannot give it: a broken helper is not an anonymous user.
 */

export interface CredentialTarget {
  /** Host with its port where that is not the scheme's own, in lower case. */
  readonly host: string
  /** Repository path wanted, without a leading slash; empty for the registry itself. Podman keys may name it. */
  readonly path: string
}

export interface CredentialOptions {
  /** The last answer was refused: forget it, ask again. @default false */
  readonly refresh?: boolean
  readonly signal?: AbortSignal
}

export interface CredentialSource {
  /** What error texts call this source, e.g. a file's path or a variable's name; never its value. */
  readonly name?: string
  get(target: CredentialTarget, options?: CredentialOptions): Promise<Credential | undefined>
}

/** `origin` says where the credential was found (a file, a helper, a variable), for error texts. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string; readonly origin?: string }
  /** A refresh token for the OAuth2 form of the token end-point. */
  | { readonly kind: 'identity-token'; readonly token: string; readonly origin?: string }
  /** Sent as it is, past the token end-point. */
  | { readonly kind: 'bearer'; readonly token: string; readonly origin?: string }
