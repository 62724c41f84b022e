/**
 * What a run has seen: the one list of all components, of which each image is read once, and the components of the images
 * that were read last, for deleting them.
 */
import type { Component } from './components.ts'

/** A list that is older is not what a registry holds; then the image itself is asked for. */
const WHOLE_AGE_MAX_MS = 600_000
/** Whoever applies a plan has a few images at work at a time. */
const LOOKS_MAX = 64

export class Looks {
  #whole = new Map<string, readonly Component[]>()
  #wholeAt = 0
  readonly #seen = new Map<string, readonly Component[]>()

  keepWhole(components: readonly Component[]): void {
    const byImage = new Map<string, Component[]>()
    for (const component of components) {
      const others = byImage.get(component.image)
      if (others === undefined) byImage.set(component.image, [component])
      else others.push(component)
    }
    this.#whole = byImage
    this.#wholeAt = Date.now()
  }

  /** Given out once: whoever reads an image again wants to know how it is now. */
  takeFromWhole(image: string): readonly Component[] | undefined {
    const components = Date.now() - this.#wholeAt > WHOLE_AGE_MAX_MS ? undefined : this.#whole.get(image)
    this.#whole.delete(image)
    return components
  }

  images(): Iterable<string> {
    return this.#whole.keys()
  }

  /** Something was changed, so nothing read before may be given out. */
  forgetWhole(): void {
    this.#whole.clear()
  }

  saw(image: string, components: readonly Component[]): void {
    this.#seen.delete(image)
    this.#seen.set(image, components)
    const [oldest] = this.#seen.keys()
    if (this.#seen.size > LOOKS_MAX && oldest !== undefined) this.#seen.delete(oldest)
  }

  /** Undefined when the image was not read lately. */
  seen(image: string): readonly Component[] | undefined {
    return this.#seen.get(image)
  }
}
