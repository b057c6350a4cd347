import { AdHocVariableFilter, ScopedVars } from '@grafana/data';

import { questionOf, QueryType } from './questions';
import { Filter, QuestionRequest } from './types';

type Replace = (text: string, scopedVars?: ScopedVars, format?: (value: string | string[]) => string) => string;

/** The operators of Grafana's ad-hoc filters, in the API's words: all that there are. */
const OPERATORS: Record<string, string> = {
  '=': '=',
  '!=': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '=~': '=~',
  '!~': '!~',
  '=|': 'in',
  '!=|': '!in',
};

/**
 * Replaces variables in every text of a request, however deep. A text that is nothing but one variable
 * with several values, standing in a list, becomes that many items; the value of a filter becomes a list.
 */
export function interpolate(request: QuestionRequest, replace: Replace, scopedVars: ScopedVars): QuestionRequest {
  return walk(request, replace, scopedVars) as QuestionRequest;
}

function walk(value: unknown, replace: Replace, scopedVars: ScopedVars): unknown {
  if (typeof value === 'string') {
    return joined(value, replace, scopedVars);
  }
  if (Array.isArray(value)) {
    return value.flatMap((item) =>
      typeof item === 'string' ? values(item, replace, scopedVars) : [walk(item, replace, scopedVars)]
    );
  }
  if (value !== null && typeof value === 'object') {
    const copy: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(value)) {
      copy[name] = walk(inner, replace, scopedVars);
    }
    return isFilter(value) ? several(copy, value, replace, scopedVars) : copy;
  }
  return value;
}

function isFilter(value: object): value is Filter {
  return 'key' in value && 'value' in value;
}

/** `country = $country` with several countries chosen means: in that list. */
function several(copy: Record<string, unknown>, filter: Filter, replace: Replace, scopedVars: ScopedVars) {
  if (typeof filter.value !== 'string') {
    return copy;
  }
  const found = values(filter.value, replace, scopedVars);
  if (found.length < 2) {
    return copy;
  }
  const op = filter.op ?? '=';
  const list = op === '=' || op === 'in' ? 'in' : op === '!=' || op === '!in' ? '!in' : undefined;
  return list === undefined ? copy : { ...copy, op: list, value: found };
}

/** All values of a text: several only when it is one variable and nothing else. */
function values(text: string, replace: Replace, scopedVars: ScopedVars): string[] {
  let found: string[] | undefined;
  const whole = /^\s*(\$\w+|\$\{[^}]+\}|\[\[[^\]]+\]\])\s*$/.test(text);
  const one = replace(text, scopedVars, (value) => {
    if (whole && Array.isArray(value)) {
      found = value.map(String);
    }
    return Array.isArray(value) ? value.join('|') : String(value);
  });
  return found ?? [one];
}

function joined(text: string, replace: Replace, scopedVars: ScopedVars): string {
  return replace(text, scopedVars, (value) => (Array.isArray(value) ? value.join('|') : String(value)));
}

/**
 * The dashboard's ad-hoc filters, in the API's words. The backend puts them behind the query's own, and leaves out, with
 * a notice, one that does not apply. Fails in words for an operator that there is not.
 */
export function adHocFilters(filters: AdHocVariableFilter[] | undefined): Filter[] {
  return (filters ?? [])
    .filter((filter) => filter.key !== '')
    .map(({ key, operator, value, values }): Filter => {
      const op = OPERATORS[operator];
      if (op === undefined) {
        const known = Object.keys(OPERATORS).join(' ');
        throw new Error(`The filter on ${key} has the operator ${operator}; Seamark knows ${known}.`);
      }
      return { key, op, value: op === 'in' || op === '!in' ? (values ?? [value]) : value };
    });
}

/** The request with numbers where the question takes numbers: what came of a variable is text. */
export function withNumbers(queryType: QueryType | undefined, request: QuestionRequest): QuestionRequest {
  const copy = { ...request };
  for (const { name, type } of questionOf(queryType)?.fields ?? []) {
    const value = copy[name];
    if ((type === 'integer' || type === 'number') && typeof value === 'string' && value.trim() !== '') {
      copy[name] = Number.isFinite(Number(value)) ? Number(value) : value; // what is none is refused by the API, in words
    }
  }
  return copy;
}
