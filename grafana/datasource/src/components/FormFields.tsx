import { TimeRange } from '@grafana/data';
import { Combobox, InlineField, InlineSwitch, Input, MultiCombobox } from '@grafana/ui';
import React from 'react';

import type { SeamarkDatasource } from '../datasource';
import { fits, FormField, formOf, items, whole } from '../forms';
import { QueryType } from '../questions';
import { QuestionRequest } from '../types';
import { LineInput } from './LineInput';

const SPANS = 'traces.span.duration';
const named = (value: string) => ({ value, label: value });

interface Props {
  datasource: SeamarkDatasource;
  type: QueryType;
  request: QuestionRequest;
  range?: TimeRange;
  refId: string;
  onChange: (changes: Partial<QuestionRequest>) => void;
}

/** The builder of a query type. It changes only the field that is edited. */
export function FormFields({ type, ...rest }: Props) {
  return (
    <div style={{ display: 'flex', flexWrap: 'wrap' }}>
      {formOf(type).map((field) => (
        <InlineField key={`${type}-${field.field}`} label={field.label} tooltip={field.tooltip}>
          <Field field={field} {...rest} />
        </InlineField>
      ))}
    </div>
  );
}

function Field({ field, datasource, request, range, refId, onChange }: Omit<Props, 'type'> & { field: FormField }) {
  const id = `seamark-${field.field}-${refId}`;
  const value = request[field.field];
  const set = (changed: unknown) => onChange({ [field.field]: changed });
  const size = { id, width: field.width ?? 24, placeholder: field.placeholder };
  if (!fits(field.kind, value)) {
    return <Input {...size} disabled value={JSON.stringify(value)} title="Written by hand: change it as text" />;
  }
  const texts = (value as string[] | undefined) ?? [];
  const several = (options: Options) => (
    <MultiCombobox
      {...size}
      createCustomValue
      options={options}
      value={texts}
      onChange={(chosen) => set(chosen.length > 0 ? chosen.map((one) => one.value) : undefined)}
    />
  );
  const single = (options: Options) => (
    <Combobox
      {...size}
      createCustomValue
      isClearable
      options={options}
      value={(value as string | undefined) ?? null}
      onChange={(chosen) => set(chosen?.value || undefined)}
    />
  );
  const labels = async () => (await datasource.labelNames(request.metric, range)).map(({ name }) => named(name));
  switch (field.kind) {
    case 'metric':
      return single(async (prefix) => (await datasource.metricNames(prefix, range)).map(({ name }) => named(name)));
    case 'service':
      return single(async (prefix) =>
        (await datasource.labelValues('service', SPANS, prefix, range)).map((found) => named(found.value))
      );
    case 'label':
      return single(labels);
    case 'labels':
      return several(labels);
    case 'choice':
      return single((field.options ?? []).map(named));
    case 'choices':
      return several((field.options ?? []).map(named));
    case 'words':
      return (
        <LineInput {...size} value={texts.join(', ')} onCommit={(text) => set(text.trim() ? items(text) : undefined)} />
      );
    case 'number':
      return <LineInput {...size} type="number" value={String(value ?? '')} onCommit={(text) => set(whole(text))} />;
    case 'switch':
      return (
        <InlineSwitch
          id={id}
          value={Boolean(value ?? field.initial)}
          onChange={({ currentTarget: { checked } }) => set(checked === field.initial ? undefined : checked)}
        />
      );
    default:
      return <LineInput {...size} value={String(value ?? '')} onCommit={(text) => set(text || undefined)} />;
  }
}

type Option = { value: string; label: string };
type Options = Option[] | ((prefix: string) => Promise<Option[]>);
