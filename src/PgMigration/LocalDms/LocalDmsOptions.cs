namespace PgMigration;

/// <summary>What a local DMS is started with.</summary>
public sealed record LocalDmsOptions
{
    /// <summary>The folder that holds its state; null for <see cref="LocalDmsServer.DefaultFolder"/>.</summary>
    public string? Folder { get; init; }

    /// <summary>The port on 127.0.0.1; null for the one that it had, else a free one.</summary>
    public int? Port { get; init; }

    /// <summary>The region that requests are signed for; null for the one that it had, else <c>us-east-1</c>.</summary>
    public string? Region { get; init; }

    /// <summary>
    /// Faults on demand, for tests of clients: <c>DescribeTableStatistics=ThrottlingException*3</c> answers the first three such requests with
    /// that fault, and <c>*</c> stands for any operation.
    /// </summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>The folder of the program; null to look beside this library.</summary>
    public string? ProgramFolder { get; init; }
}
