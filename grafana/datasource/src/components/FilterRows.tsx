import { TimeRange } from '@grafana/data';
import { Button, Combobox, InlineField } from '@grafana/ui';
import React from 'react';

import type { SeamarkDatasource } from '../datasource';
import { converted, items } from '../forms';
import { Filter, QuestionRequest } from '../types';
import { LineInput } from './LineInput';

const OPERATORS = ['=', '!=', 'in', '!in', '=~', '!~', 'exists', '!exists'];
const named = (value: string) => ({ value, label: value });

interface Props {
  datasource: SeamarkDatasource;
  request: QuestionRequest;
  range?: TimeRange;
  onChange: (changes: Partial<QuestionRequest>) => void;
}

/** Conditions, one a row. Lists are written with commas. */
export function FilterRows({ datasource, request, range, onChange }: Props) {
  const filters = request.filters ?? [];
  const replace = (index: number, filter: Filter) =>
    onChange({ filters: filters.map((old, at) => (at === index ? filter : old)) });
  const keys = async () => (await datasource.labelNames(request.metric, range)).map(({ name }) => named(name));
  return (
    <>
      {filters.map((filter, index) => (
        <div key={index} style={{ display: 'flex' }}>
          <InlineField label="Where" labelWidth={10}>
            <Combobox
              width={24}
              createCustomValue
              aria-label="filter key"
              options={keys}
              value={filter.key || null}
              onChange={(chosen) => replace(index, { ...filter, key: chosen.value })}
            />
          </InlineField>
          <Combobox
            width={12}
            aria-label="filter operator"
            options={OPERATORS.map(named)}
            value={filter.op ?? '='}
            onChange={(chosen) => replace(index, converted(filter, chosen.value))}
          />
          <Value
            filter={filter}
            values={async (prefix) =>
              filter.key
                ? (await datasource.labelValues(filter.key, request.metric, prefix, range)).map(({ value }) =>
                    named(value)
                  )
                : []
            }
            onChange={(value) => replace(index, { ...filter, value })}
          />
          <Button
            icon="times"
            variant="secondary"
            aria-label="remove filter"
            onClick={() => onChange({ filters: filters.filter((_, at) => at !== index) })}
          />
        </div>
      ))}
      <Button
        icon="plus"
        size="sm"
        variant="secondary"
        onClick={() => onChange({ filters: [...filters, { key: '', op: '=', value: '' }] })}
      >
        Filter
      </Button>
    </>
  );
}

interface ValueProps {
  filter: Filter;
  values: (prefix: string) => Promise<Array<{ value: string; label: string }>>;
  onChange: (value: string | string[]) => void;
}

function Value({ filter, values, onChange }: ValueProps) {
  const op = filter.op ?? '=';
  if (op.endsWith('exists')) {
    return null;
  }
  if (op === 'in' || op === '!in') {
    const listed = Array.isArray(filter.value) ? filter.value : items(filter.value ?? '');
    return (
      <LineInput label="filter value" width={36} value={listed.join(', ')} onCommit={(text) => onChange(items(text))} />
    );
  }
  return (
    <Combobox
      width={36}
      createCustomValue
      aria-label="filter value"
      options={values}
      value={String(filter.value ?? '') || null}
      onChange={(chosen) => onChange(chosen.value)}
    />
  );
}
