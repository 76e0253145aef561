namespace PgMigration;

/// <summary>What went wrong, in words for the person on migration night: the value, what was expected, the next step.</summary>
/// <remarks>Never holds a secret. A cmdlet turns it into an ErrorRecord with this id and a category that fits the kind.</remarks>
public class MigrationException : Exception
{
    /// <summary>Makes an error with a stable id that scripts and tests may rely on.</summary>
    /// <param name="errorId">A stable name in PascalCase, such as <c>SegmentTruncated</c>.</param>
    /// <param name="kind">What kind of trouble it is.</param>
    /// <param name="message">One or two sentences: the value, what was expected, the next step.</param>
    /// <param name="innerException">What caused it, if anything.</param>
    public MigrationException(string errorId, MigrationErrorKind kind, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        ErrorId = errorId;
        Kind = kind;
    }

    /// <summary>A stable name in PascalCase.</summary>
    public string ErrorId { get; }

    /// <summary>What kind of trouble it is.</summary>
    public MigrationErrorKind Kind { get; }
}
