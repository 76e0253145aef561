namespace PgMigration;

/// <summary>One thing that a replication by DMS needs: what -WhatIf writes.</summary>
/// <param name="What">What it is, such as Task.</param>
/// <param name="Name">How it is called.</param>
/// <param name="Action">Create, Use or Start.</param>
/// <param name="Detail">What matters of it.</param>
public sealed record DmsPlanRow(string What, string Name, string Action, string Detail);
