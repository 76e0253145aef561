namespace PgMigration;

/// <summary>One thing that Remove-PgDmsReplication removed, or left and why.</summary>
/// <param name="What">What it is: Task, Endpoint, Instance, Slot, Publication, EventTrigger, Function, Table, Schema.</param>
/// <param name="Name">How it is called.</param>
/// <param name="Where">DMS, Source or Target.</param>
/// <param name="Removed">Whether it is gone.</param>
/// <param name="Detail">Why it was left; null when it is gone.</param>
public sealed record DmsRemoved(string What, string Name, string Where, bool Removed, string? Detail = null);
