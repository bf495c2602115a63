import { en, type Texts } from "./en";

/** The words of the language in use. */
export const t: Texts = en;
