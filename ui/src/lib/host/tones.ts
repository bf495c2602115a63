/** Short tones of the page itself, which answer a scan at once. What rings for an order comes from the program. */
export type Tone = "found" | "wrong";

const TONES: Record<Tone, { hertz: number; seconds: number; wave: OscillatorType }> = {
  found: { hertz: 1320, seconds: 0.07, wave: "sine" },
  wrong: { hertz: 220, seconds: 0.35, wave: "square" },
};
const LOUDNESS = 0.2;
/** A ramp cannot end in silence itself. */
const SILENCE = 0.001;

let context: AudioContext | null = null;

/** Plays a tone; without a sound device the words on the page are all there is. */
export function play(tone: Tone): void {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  void context.resume();
  const { hertz, seconds, wave } = TONES[tone];
  const [oscillator, gain, now] = [context.createOscillator(), context.createGain(), context.currentTime];
  oscillator.type = wave;
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(LOUDNESS, now);
  gain.gain.exponentialRampToValueAtTime(SILENCE, now + seconds);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(now);
  oscillator.stop(now + seconds);
}
