/** Makes a value with effects outside of any component; `end` ends its effects. For tests. */
export function rooted<T>(make: () => T): { value: T; end: () => void } {
  let value!: T;
  const end = $effect.root(() => {
    value = make();
  });
  return { value, end };
}

/** Runs an effect outside of any component; the returned function ends it. For tests. */
export function effect(run: () => void): () => void {
  return $effect.root(() => {
    $effect(run);
  });
}
