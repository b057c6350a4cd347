import description from './questions.json';

/** A field of a request, as the API describes it: docs/questions.md, "Fields and columns of every question". */
export interface DescribedField {
  name: string;
  title: string;
  type: string;
  required: boolean;
  many?: boolean;
  default?: unknown;
  choices?: string[];
  suggestions?: string[];
  description?: string;
  completes?: string;
  hidden?: boolean;
}

export interface DescribedColumn {
  rows: string;
  key: string;
  title: string;
  kind: string;
  unit: string;
  label?: string;
  headline?: boolean;
}

export interface Question {
  kind: string;
  path: string;
  title: string;
  summary: string;
  shape: string;
  example: Record<string, unknown>;
  fields: DescribedField[];
  columns: DescribedColumn[];
}

/** The kinds of question, in the order in which the editor offers them; `make docs` writes the file from the API. */
export const QUESTIONS = description.questions as unknown as readonly Question[];

/** What a query asks: the kind of a question, or one of this plugin's own names. */
export type QueryType = string;

/** Names of this plugin's own. Only Explore asks these two: how many records there are, and those around one. */
const KINDS: Record<QueryType, string> = { logvolume: 'log_histogram', context: 'log_context' };
const BY_KIND = new Map(QUESTIONS.map((question) => [question.kind, question]));

/** The question that a query type asks; nothing where it asks several, or is newer than this plugin. */
export function questionOf(type: QueryType | undefined): Question | undefined {
  return type === undefined ? undefined : BY_KIND.get(KINDS[type] ?? type);
}

/** Those that are asked as /v1/query/<kind>, and two with a route of their own. */
const OFFERED = QUESTIONS.filter(({ kind, path }) => path === `/v1/query/${kind}` || /^(trace|ledger)$/.test(kind));

export const QUERY_TYPES: ReadonlyArray<{ value: QueryType; label: string; description: string }> = [
  ...OFFERED.map(({ kind, title, summary }) => ({ value: kind, label: title, description: summary })),
  { value: 'annotations', label: 'Events as annotations', description: 'Deploys and releases, as marks on a graph' },
];

const NUMBERS = ['duration', 'count', 'ratio', 'rate', 'number'];

/** The numbers that the rows of a table can become, the usual one first; none where no column stands for a row. */
export function numbersOf(type: QueryType): string[] {
  const question = questionOf(type);
  const columns = question?.shape === 'table' ? question.columns : [];
  const several = new Set(columns.map(({ rows }) => rows)).size > 1;
  const named = (column: DescribedColumn) => (several ? `${column.rows}.${column.key}` : column.key);
  const usual = columns.find(({ headline }) => headline);
  const others = columns.filter((column) => column !== usual && NUMBERS.includes(column.kind));
  return usual ? [usual, ...others].map(named) : [];
}
