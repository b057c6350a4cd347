import { DescribedField, questionOf, QueryType } from './questions';
import { Filter, QuestionRequest } from './types';

/** How a field of a request is shown, and what values of it can be. */
export type FieldKind =
  | 'metric' // a name, completed
  | 'label' // a dimension, completed
  | 'labels' // several dimensions
  | 'service' // a service, completed
  | 'choice' // one of `options`, or something else
  | 'choices' // several of `options`, or others
  | 'words' // texts, separated by commas
  | 'text'
  | 'number' // a positive whole number
  | 'switch';

export interface FormField {
  field: string;
  label: string;
  kind: FieldKind;
  options?: readonly string[];
  placeholder?: string;
  tooltip?: string;
  width?: number;
  /** Of a switch: what holds when the request does not say. */
  initial?: boolean;
}

/** What the panel, the field for the app and the rows of filters give. */
const ELSEWHERE = ['from', 'to', 'appId', 'app'];
const WIDTHS: Partial<Record<FieldKind, number>> = { number: 12, words: 36, text: 30 };

/** Annotations are several questions for series: a form of this plugin's own. */
const OWN: Partial<Record<QueryType, readonly FormField[]>> = {
  annotations: [
    { field: 'names', label: 'Events', kind: 'words', placeholder: 'deploy, release', width: 36 },
    { field: 'groupBy', label: 'Tell apart by', kind: 'labels', placeholder: 'release' },
  ],
  trace: [],
};

/** The builder of a query type: the fields of its request that are shown, in order. */
export function formOf(type: QueryType): readonly FormField[] {
  const question = questionOf(type);
  return OWN[type] ?? question?.fields.flatMap((field) => shown(field, question.example) ?? []) ?? [];
}

function shown(field: DescribedField, example: Record<string, unknown>): FormField | undefined {
  const kind = kindOf(field);
  if (field.hidden || ELSEWHERE.includes(field.name) || kind === undefined) {
    return undefined;
  }
  const usual = field.required ? example[field.name] : field.default;
  return {
    field: field.name,
    label: field.title,
    kind,
    options: field.choices ?? field.suggestions,
    placeholder: Array.isArray(usual) ? usual.join(', ') : String(usual || 'any'),
    tooltip: field.description,
    width: WIDTHS[kind],
    initial: kind === 'switch' ? field.default === true : undefined,
  };
}

/** How a field is shown; nothing where the builder has no form for it. */
function kindOf({ type, many, choices, suggestions, completes }: DescribedField): FieldKind | undefined {
  if (type === 'filter' || type === 'object' || type === 'time') {
    return undefined;
  }
  if (type === 'integer' || type === 'number') {
    return 'number';
  }
  if (type === 'flag') {
    return 'switch';
  }
  if (completes === 'label') {
    return many ? 'labels' : 'label';
  }
  if (choices || suggestions) {
    return many ? 'choices' : 'choice';
  }
  if (many) {
    return 'words';
  }
  return completes === 'metric' || completes === 'service' ? completes : 'text';
}

/** Whether the request of a query type takes filters. */
export function takesFilters(type: QueryType | undefined): boolean {
  return type === 'annotations' || Boolean(questionOf(type)?.fields.some((field) => field.type === 'filter'));
}

/** Whether a request has what the question cannot do without. */
export function isComplete(type: QueryType, request: QuestionRequest): boolean {
  const required = questionOf(type)?.fields.filter((field) => field.required) ?? [];
  return required.every(({ name }) => (Array.isArray(request[name]) ? request[name].length > 0 : request[name]));
}

/** Whether the builder can show this value. What it cannot show was written by hand, and is left alone. */
export function fits(kind: FieldKind, value: unknown): boolean {
  if (value === undefined) {
    return true;
  }
  switch (kind) {
    case 'number':
      return typeof value === 'number';
    case 'switch':
      return typeof value === 'boolean';
    case 'labels':
    case 'choices':
    case 'words':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    default:
      return typeof value === 'string';
  }
}

/** A request to begin with when the query type changes: what means the same in both. */
export function carriedOver(request: QuestionRequest, from: QueryType, to: QueryType): QuestionRequest {
  const carried: QuestionRequest = {};
  for (const field of formOf(to)) {
    const before = formOf(from).find((other) => other.field === field.field && other.kind === field.kind);
    if (before && field.kind !== 'number' && request[field.field] !== undefined) {
      carried[field.field] = request[field.field];
    }
  }
  if (takesFilters(to) && request.filters) {
    carried.filters = request.filters;
  }
  return carried;
}

/** Texts between commas. */
export function items(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A positive whole number, or nothing. */
export function whole(text: string): number | undefined {
  const value = Number(text);
  return text.trim() !== '' && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** The filter under another operator: a list becomes a value, and a value a list, without losing any. */
export function converted(filter: Filter, op: string): Filter {
  if (op.endsWith('exists')) {
    return { key: filter.key, op };
  }
  const values = Array.isArray(filter.value) ? filter.value : filter.value ? [filter.value] : [];
  const list = op === 'in' || op === '!in';
  return { ...filter, op, value: list ? values : values.join(op === '=~' || op === '!~' ? '|' : ', ') };
}
