namespace PgMigration.Cmdlets.Tests;

/// <summary>The tests that use the test cmdlets run one after the other: a signal, which one of them sends, reaches every running cmdlet.</summary>
[CollectionDefinition(nameof(TestCmdlets))]
public sealed class TestCmdlets;
