/** The waiting payments. */
export const payments = {
  title: "Payments",
  order: "oldest first",
  group: {
    above: "Above the range",
    below: "Below the range",
    inside: "Inside the range",
  },
  waiting: "waiting",
  outside: (by: string, word: "above" | "below") => `${by} ${word}`,
  inside: "inside",
  range: (lo: string, hi: string) => `${lo} to ${hi}`,
  empty: {
    title: "No payment to decide",
    text: "When a shopper has paid at the till, the payment stands here until it is approved or declined.",
  },
};
