/** Whether a name has every word that was typed, anywhere in it and however written. */
export function fits(name: string, typed: string): boolean {
  const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const within = plain(name);
  return plain(typed)
    .split(/\s+/u)
    .every((word) => within.includes(word));
}
