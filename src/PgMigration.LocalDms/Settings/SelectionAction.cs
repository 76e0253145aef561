namespace PgMigration.LocalDms;

/// <summary>What a selection rule does with the tables that it matches.</summary>
internal enum SelectionAction
{
    /// <summary>They are moved; names may hold wildcards.</summary>
    Include,

    /// <summary>They are not moved, whatever includes them.</summary>
    Exclude,

    /// <summary>The one table of this name is moved: nothing in it is a wildcard.</summary>
    Explicit,
}
