//! Changes that a transaction has made and not sent yet. They go to the server together, one statement for each kind, in an
//! order that keeps the changes of each row as they were made.

use std::collections::HashMap;

use super::change::Change;
use super::statements::Statements;
use super::value::{Statement, Value};
use crate::model::event::EventSeq;
use crate::model::revocation::RevocationSeq;
use crate::store::records::TenantNo;

/// Names a row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum RowKey {
    Tenant(TenantNo),
    Key(TenantNo, i64),
    Session(TenantNo, [u8; 16]),
    BulkEnd(TenantNo, i64),
    Failures(TenantNo, [u8; 16]),
    Event(TenantNo, EventSeq),
    Seal(TenantNo, EventSeq),
    Lease(TenantNo, String),
    Revocation(TenantNo, RevocationSeq),
}

impl RowKey {
    /// The row that must be there before this one.
    fn parent(&self) -> Option<RowKey> {
        match self {
            RowKey::Tenant(_) | RowKey::Session(..) | RowKey::Event(..) | RowKey::Revocation(..) => None,
            RowKey::Key(tenant, _)
            | RowKey::BulkEnd(tenant, _)
            | RowKey::Failures(tenant, _)
            | RowKey::Seal(tenant, _)
            | RowKey::Lease(tenant, _) => Some(RowKey::Tenant(*tenant)),
        }
    }
}

/// A change of one row.
pub(super) struct RowChange {
    pub change: Change,
    pub row: RowKey,
    pub values: Vec<Value>,
}

/// The rows of one statement.
struct Group {
    change: Change,
    rows: Vec<Vec<Value>>,
    positions: HashMap<RowKey, usize>,
}

/// The statements that make these changes.
pub(super) fn merge(changes: impl IntoIterator<Item = RowChange>, statements: &Statements) -> Vec<Statement> {
    let mut groups: Vec<Group> = Vec::new();
    // Of each row, the last group that concerns it, counted from 1.
    let mut last_of: HashMap<RowKey, usize> = HashMap::new();
    for RowChange { change, row, values } in changes {
        let of = |row: &RowKey| last_of.get(row).copied().unwrap_or(0);
        let own = of(&row);
        let after_parent = row.parent().map_or(0, |parent| of(&parent));
        let accumulates = change.accumulates();
        // The earliest group of this kind that keeps the order of the row's changes.
        let first = if accumulates { own.saturating_sub(1).max(after_parent) } else { own.max(after_parent) };
        let found = (first..groups.len()).find(|index| groups[*index].change == change);
        let index = found.unwrap_or_else(|| {
            groups.push(Group { change, rows: Vec::new(), positions: HashMap::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        match group.positions.get(&row) {
            Some(position) => add_last(&mut group.rows[*position], &values),
            None => {
                group.positions.insert(row.clone(), group.rows.len());
                group.rows.push(values);
            }
        }
        last_of.insert(row, index + 1);
    }
    groups
        .into_iter()
        .map(|group| Statement::new(statements.change(group.change), to_arrays(group.rows)))
        .collect()
}

/// Adds the last of the values to the last of the sum.
fn add_last(sum: &mut [Value], values: &[Value]) {
    if let (Some(Value::Integer(Some(sum))), Some(Value::Integer(Some(value)))) =
        (sum.last_mut(), values.last())
    {
        *sum += value;
    }
}

/// Rows of single values as one array for each column.
fn to_arrays(rows: Vec<Vec<Value>>) -> Vec<Value> {
    let mut arrays: Vec<Value> = Vec::new();
    for row in rows {
        for (column, value) in row.into_iter().enumerate() {
            match arrays.get_mut(column) {
                Some(array) => append(array, value),
                None => arrays.push(array_of(value)),
            }
        }
    }
    arrays
}

fn array_of(value: Value) -> Value {
    match value {
        Value::Integer(value) => Value::Integers(vec![value]),
        Value::Flag(value) => Value::Flags(vec![value]),
        Value::Bytes(value) => Value::ByteStrings(vec![value]),
        Value::Text(value) => Value::Texts(vec![value]),
        array => array,
    }
}

/// Adds a value of the column's type to its array.
fn append(array: &mut Value, value: Value) {
    match (array, value) {
        (Value::Integers(values), Value::Integer(value)) => values.push(value),
        (Value::Flags(values), Value::Flag(value)) => values.push(value),
        (Value::ByteStrings(values), Value::Bytes(value)) => values.push(value),
        (Value::Texts(values), Value::Text(value)) => values.push(value),
        // A row would be missing, which the server would find.
        _ => debug_assert!(false, "values of two types in one column"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::url::Isolation;

    fn change(change: Change, row: RowKey, number: i64) -> RowChange {
        RowChange { change, row, values: vec![Value::Integer(Some(number))] }
    }

    fn merged(changes: Vec<RowChange>) -> Vec<(Change, Vec<Value>)> {
        let statements = Statements::of_schema("s", Isolation::ReadCommitted);
        let kind_of = |statement: &Statement| {
            Change::ALL.into_iter().find(|change| statements.change(*change) == &statement.sql).unwrap()
        };
        let merged = merge(changes, &statements);
        merged.iter().map(|statement| (kind_of(statement), statement.values.clone())).collect()
    }

    fn numbers(numbers: &[i64]) -> Vec<Value> {
        vec![Value::Integers(numbers.iter().copied().map(Some).collect())]
    }

    #[test]
    fn changes_of_one_kind_are_one_statement() {
        let [a, b, c] = [1, 2, 3].map(|byte| RowKey::Session(1, [byte; 16]));
        let found = merged(vec![
            change(Change::RotateSession, a.clone(), 1),
            change(Change::EndSession, b, 2),
            change(Change::RotateSession, c, 3),
        ]);
        assert_eq!(found, [(Change::RotateSession, numbers(&[1, 3])), (Change::EndSession, numbers(&[2]))]);
    }

    #[test]
    fn changes_of_one_row_keep_their_order() {
        let [a, b] = [1, 2].map(|byte| RowKey::Session(1, [byte; 16]));
        let found = merged(vec![
            change(Change::AddSession, a.clone(), 1),
            change(Change::RotateSession, a.clone(), 2),
            change(Change::RotateSession, a.clone(), 3),
            change(Change::AddSession, b, 4),
            change(Change::DeleteSession, a.clone(), 5),
            change(Change::AddSession, a, 6),
        ]);
        assert_eq!(
            found,
            [
                (Change::AddSession, numbers(&[1, 4])),
                (Change::RotateSession, numbers(&[2])),
                (Change::RotateSession, numbers(&[3])),
                (Change::DeleteSession, numbers(&[5])),
                (Change::AddSession, numbers(&[6])),
            ]
        );
    }

    #[test]
    fn a_row_comes_after_the_tenant_that_it_belongs_to() {
        let found = merged(vec![
            change(Change::AddKey, RowKey::Key(1, 1), 1),
            change(Change::AddTenant, RowKey::Tenant(2), 2),
            change(Change::AddKey, RowKey::Key(2, 1), 3),
        ]);
        assert_eq!(
            found,
            [
                (Change::AddKey, numbers(&[1])),
                (Change::AddTenant, numbers(&[2])),
                (Change::AddKey, numbers(&[3])),
            ]
        );
    }

    #[test]
    fn counts_of_one_row_are_added_up() {
        let [first, second] = [RowKey::BulkEnd(1, 1), RowKey::BulkEnd(1, 2)];
        let found = merged(vec![
            change(Change::CountEnded, first.clone(), 1),
            change(Change::CountEnded, second, 1),
            change(Change::CountEnded, first.clone(), 1),
            change(Change::FinishBulkEnd, first.clone(), 9),
            change(Change::CountEnded, first.clone(), 1),
            change(Change::CountEnded, first.clone(), 1),
        ]);
        assert_eq!(
            found,
            [
                (Change::CountEnded, numbers(&[2, 1])),
                (Change::FinishBulkEnd, numbers(&[9])),
                (Change::CountEnded, numbers(&[2])),
            ]
        );
    }
}
