namespace PgMigration.LocalDms;

/// <summary>The states of a table, in the words of DescribeTableStatistics.</summary>
internal static class TableState
{
    /// <summary>It waits for its load.</summary>
    public const string Before = "Before load";

    /// <summary>It is being loaded.</summary>
    public const string Loading = "Full load";

    /// <summary>It is loaded.</summary>
    public const string Completed = "Table completed";

    /// <summary>Its load was stopped.</summary>
    public const string Cancelled = "Table cancelled";

    /// <summary>It failed, and nothing more is moved for it.</summary>
    public const string Error = "Table error";

    /// <summary>It is loaded anew.</summary>
    public const string Reloading = "Table is being reloaded";

    /// <summary>The source has no such table any more.</summary>
    public const string Missing = "Table does not exist";
}
