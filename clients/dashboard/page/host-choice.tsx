import { hosts, several } from './store.js';

/** For views of one host. */
export function HostChoice({ host, onChange }: { readonly host: number; readonly onChange: (host: number) => void }) {
  if (!several.value) return null;
  return (
    <select aria-label="Host" value={host} onChange={({ currentTarget }) => onChange(Number(currentTarget.value))}>
      {hosts.value.map(({ name }, index) => (
        <option key={name} value={index}>
          {name}
        </option>
      ))}
    </select>
  );
}
