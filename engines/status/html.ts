// HTML by a template tag that escapes whatever is put in: names and messages come from people and programs.
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[];

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

// Control characters are no HTML, and those that reverse the direction of text can make a name read as another.
const UNPRINTABLE = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** Text for an element's content or a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(UNPRINTABLE, ' ').replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** A piece of HTML. Interpolated text is escaped, interpolated HTML is not. */
export const html = (literals: TemplateStringsArray, ...parts: Part[]): Html => ({
  html: literals.reduce((text, literal, at) => text + rendered(parts[at - 1] ?? '') + literal),
});

const rendered = (part: Part): string => {
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return 'html' in part ? part.html : part.map((each) => each.html).join('');
};
