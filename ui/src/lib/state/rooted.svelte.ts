/** Makes a value with effects outside of any component; `end` ends its effects. For tests. */
export function rooted<T>(make: () => T): { value: T; end: () => void } {
  let value!: T;
  const end = $effect.root(() => {
    value = make();
  });
  return { value, end };
}
